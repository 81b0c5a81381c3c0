/// How much the agents of one listener may ask of it at one time.
package struct TransportLimits: Sendable {
    /// The most bytes of one message, either way, header included and after decompression: the specification's default.
    package var messageBytes = 64 << 20
    /// The same as long as the fleet does not know the agent as approved.
    package var strangerBytes = 4 << 20
    /// The most bytes of all messages together that are being collected or decoded.
    package var inFlightBytes = 256 << 20
    /// How many files the program may have open; a connection is one.
    package var openFiles = Int.max

    package init() {}
}

/// What both transports of agents share.
package enum OpAMPEndpoint {
    package static let path = "/v1/opamp"

    /// The most bytes of one message, either way, header included: the specification's default.
    package static let messageLimit = 64 << 20
}

/// What all requests of a client have in common.
package struct HTTPConfiguration: Sendable {
    /// Sent as `Authorization: Bearer …`, over https or to a loopback address only.
    package var bearerToken: String?
    /// PEM file with the authorities to trust instead of the system's.
    package var caFile: String?
    /// PEM file with the certificate that the client shows, and one with its key.
    package var clientCertificateFile: String?
    package var clientKeyFile: String?
    /// How long connecting may take, of the whole time a request has.
    package var connectTimeout: Duration = .seconds(5)
    /// The most bytes in the body of an answer, unpacked.
    package var maxResponseBytes = 16 << 20
    package var userAgent: String?

    package init(bearerToken: String? = nil) {
        self.bearerToken = bearerToken
    }
}

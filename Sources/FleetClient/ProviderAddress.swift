/// Where a provider is, and how this side shows who it is.
package struct ProviderAddress: Sendable, Equatable {
    package static let standard = "http://127.0.0.1:8080"

    /// `http://HOST:PORT` or `https://HOST:PORT`, with a path where a proxy needs one, without a final slash.
    package var url: String
    package var token: String?
    /// PEM files: authorities to trust instead of the system's, the client's certificate and its key.
    package var caFile: String?
    package var clientCertificateFile: String?
    package var clientKeyFile: String?
    /// How long a request may take. One that waits for an outcome takes its wait on top.
    package var timeout: Duration = .seconds(10)

    package init(url: String = Self.standard, token: String? = nil) {
        (self.url, self.token) = (url, token)
    }
}

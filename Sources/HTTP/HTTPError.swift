/// Why there is no answer. Each text stands alone: it names the host and the way out, and holds no token.
package enum HTTPError: Error, Equatable, CustomStringConvertible {
    /// Nobody listens there, or there is no way there.
    case refused(host: String)
    case unresolved(host: String)
    case timedOut(host: String, after: Duration)
    /// The connection could not be made safe: certificate, authority, host name, protocol.
    case tls(host: String, reason: String)
    case tooLarge(host: String, limit: Int)
    /// The connection ended before the answer did.
    case interrupted(host: String)
    /// Nothing was sent.
    case insecureToken(host: String)
    case badURL(reason: String)
    /// A name or value that cannot be sent, a line break in it for example.
    case badHeader(name: String)
    case libraryMissing(reason: String)
    case cancelled
    case other(host: String, reason: String)

    package var description: String {
        switch self {
        case .refused(let host): "cannot connect to \(host); is it running, and is the address right?"
        case .unresolved(let host): "no address is known for \(host); check the host name"
        case .timedOut(let host, let time): "no answer from \(host) within \(time); try again or allow more time"
        case .tls(let host, let reason):
            "no trusted connection to \(host): \(reason); check the host name, the CA file and the client certificate"
        case .tooLarge(let host, let limit): "\(host) answered with more than \(limit) bytes; ask for less"
        case .interrupted(let host): "\(host) closed the connection before its answer was complete; try again"
        case .insecureToken(let host):
            "the token is not sent to \(host) over http; use https, or a tunnel to a loopback address"
        case .badURL(let reason): "the address cannot be used: \(reason); give http://HOST:PORT or https://HOST:PORT"
        case .badHeader(let name):
            "the value for the header \(name) cannot be sent: it may hold visible characters and spaces only"
        case .libraryMissing(let reason): "libcurl cannot be used: \(reason); install libcurl4"
        case .cancelled: "the request was cancelled"
        case .other(let host, let reason): "the request to \(host) failed: \(reason); is the address right?"
        }
    }
}

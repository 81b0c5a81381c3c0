import FoundationEssentials

/// Where the simulated agents connect to.
package struct Endpoint: Sendable, Equatable {
    package let host: String
    package let port: Int
    package let path: String

    /// Reads `ws://host:port/v1/opamp`; the port defaults to 80 and the path to `/v1/opamp`.
    package init(_ text: String) throws(EndpointError) {
        guard let url = URLComponents(string: text), let scheme = url.scheme?.lowercased() else { throw .notAURL(text) }
        guard scheme == "ws" else { throw .unsupportedScheme(scheme) }
        guard let host = url.host, !host.isEmpty, url.user == nil, url.query == nil, url.fragment == nil else {
            throw .notAURL(text)
        }
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        port = url.port ?? 80
        guard (1...65_535).contains(port) else { throw .notAURL(text) }
        path = url.percentEncodedPath.isEmpty ? "/v1/opamp" : url.percentEncodedPath
    }

    /// The value of the Host header.
    var authority: String {
        "\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
}

package enum EndpointError: Error, Equatable, CustomStringConvertible {
    case notAURL(String)
    case unsupportedScheme(String)

    package var description: String {
        switch self {
        case .notAURL(let text): "\"\(text)\" is not a URL of the form ws://HOST:PORT/v1/opamp"
        case .unsupportedScheme(let scheme):
            "\(scheme) is not supported: WebSocket only so far, ws://HOST:PORT/v1/opamp"
        }
    }
}

import FoundationEssentials

/// Where the simulated agents connect to.
package struct Endpoint: Sendable, Equatable {
    package enum Transport: String, Sendable {
        case webSocket = "ws"
        case http
    }

    package let transport: Transport
    /// Whether it is wss or https.
    package let isSecure: Bool
    package let host: String
    package let port: Int
    package let path: String

    /// Reads `ws://host:port/v1/opamp`, `wss://…`, `http://…` or `https://…`; the port defaults to 80, or 443 with TLS,
    /// and the path to `/v1/opamp`.
    package init(_ text: String) throws(EndpointError) {
        guard let url = URLComponents(string: text), let scheme = url.scheme?.lowercased() else { throw .notAURL(text) }
        isSecure = ["wss", "https"].contains(scheme)
        guard let transport = Transport(rawValue: isSecure ? String(scheme.dropLast()) : scheme) else {
            throw .unsupportedScheme(scheme)
        }
        guard let host = url.host, !host.isEmpty, url.user == nil, url.query == nil, url.fragment == nil else {
            throw .notAURL(text)
        }
        self.transport = transport
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        port = url.port ?? (isSecure ? 443 : 80)
        guard (1...65_535).contains(port) else { throw .notAURL(text) }
        path = url.percentEncodedPath.isEmpty ? "/v1/opamp" : url.percentEncodedPath
    }

    package var url: String { "\(transport.rawValue)\(isSecure ? "s" : "")://\(authority)\(path)" }

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
        case .notAURL(let text):
            "\"\(text)\" is not a URL of the form ws://HOST:PORT/v1/opamp, wss://…, http://… or https://…"
        case .unsupportedScheme(let scheme):
            "\(scheme) is not supported; allowed are ws://HOST:PORT/v1/opamp, wss://…, http://… and https://…"
        }
    }
}

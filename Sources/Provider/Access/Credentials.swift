import FleetAPI
import HTTPTypes

/// What a request shows of who sends it.
struct Credentials: Sendable {
    /// The values of its Authorization fields.
    var authorization: [String] = []
    /// The session that its cookies name.
    var session: String?
    /// Whether a page of this very host sent it.
    var isSameOrigin = false
    /// Whether it may change something.
    var isWrite = false
    /// Where it comes from, with the port.
    var address: String

    init(address: String) {
        self.address = address
    }

    init(_ fields: HTTPFields, method: HTTPRequest.Method, host: String?, address: String?, isSecure: Bool) {
        authorization = fields[values: .authorization]
        session = SessionCookie.value(in: fields[values: .cookie], isSecure: isSecure)
        isSameOrigin = Self.isSameOrigin(fields[values: .origin], host: host)
        isWrite = ![.get, .head, .options].contains(method)
        self.address = address ?? "unknown"
    }

    /// The token of a Bearer authorization; nil for any other text. Spec: RFC 6750, section 2.1.
    static func bearerToken(_ authorization: String) -> Substring? {
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        let token = parts[1].drop { $0 == " " }
        return token.isEmpty ? nil : token
    }

    private static func isSameOrigin(_ origins: [String], host: String?) -> Bool {
        guard origins.count == 1, let scheme = ["http://", "https://"].first(where: { origins[0].hasPrefix($0) }),
            let origin = Authority(origins[0].dropFirst(scheme.count)), let host, let own = Authority(host)
        else { return false }
        return origin == own
    }
}

extension HTTPField.Name {
    /// Parsed once; the name is a valid token.
    static let origin = HTTPField.Name("Origin").unsafelyUnwrapped
}

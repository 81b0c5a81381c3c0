import CCurl

/// Where a request goes, read from its address by the same parser that will use it.
struct Origin {
    let isSecure: Bool
    /// Without a port; an IPv6 address in brackets.
    let host: String
    /// As messages name it, with the port if the address has one.
    let name: String

    /// - Precondition: libcurl is loaded.
    init(_ address: String) throws(HTTPError) {
        guard let url = ccurl_url() else { throw .badURL(reason: "out of memory") }
        defer { ccurl_url_cleanup(url) }
        guard !address.utf8.contains(0), ccurl_url_set(url, CURLUPART_URL, address) == CURLUE_OK else {
            throw .badURL(reason: "\(address.prefix(200)) is not a URL")
        }
        let scheme = Origin.part(CURLUPART_SCHEME, of: url) ?? ""
        guard scheme == "http" || scheme == "https" else { throw .badURL(reason: "\(scheme) is not http or https") }
        guard Origin.part(CURLUPART_USER, of: url) == nil, Origin.part(CURLUPART_PASSWORD, of: url) == nil else {
            throw .badURL(reason: "it holds a user name or password")
        }
        guard let host = Origin.part(CURLUPART_HOST, of: url) else { throw .badURL(reason: "it has no host") }
        isSecure = scheme == "https"
        self.host = host
        name = Origin.part(CURLUPART_PORT, of: url).map { "\(host):\($0)" } ?? host
    }

    /// Whether nothing leaves this machine: `localhost`, 127.0.0.0/8 or `::1`. libcurl never looks up `localhost`.
    var isLoopback: Bool {
        let host = host.lowercased()
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    private static func part(_ part: CURLUPart, of url: OpaquePointer) -> String? {
        guard let text = ccurl_url_get(url, part) else { return nil }
        defer { ccurl_free(text) }
        return String(cString: text)
    }
}

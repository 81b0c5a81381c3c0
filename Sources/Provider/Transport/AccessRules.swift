package import FleetAPI

/// Who may ask at all, whoever they are: programs that mean this provider, and pages that came from here.
///
/// Any web page can reach the addresses that its reader reaches, under a name of its choice too. So the Host must be
/// loopback, the address itself or a name that is known to be ours, a foreign Origin is refused (on the agents' path
/// any), and what changes something must be JSON, which a page cannot send without asking first. While nobody has to
/// say who they are, a request that a proxy passed on is refused: it is not from this machine.
package struct AccessRules: Sendable {
    private let publicHosts: Set<String>

    /// - Parameter publicHosts: names and addresses of this provider; their ports do not matter.
    package init(publicHosts: [Authority] = []) {
        self.publicHosts = Set(publicHosts.map(\.host))
    }

    /// Decides on a request by its head alone.
    ///
    /// - Parameters:
    ///   - path: without the query.
    ///   - host: the Host header where it is kept apart from the others.
    ///   - fields: the other header fields, names in any case.
    ///   - address: the IP address of this machine that the connection was opened to.
    ///   - isGuarded: whether who asks has to say who they are.
    /// - Returns: nil when the request may go on.
    package func refusal(
        method: String, path: String, host: String?, fields: some Sequence<(name: String, value: String)>,
        at address: String?, isGuarded: @autoclosure () -> Bool
    ) -> Problem? {
        var hosts = host.map { [$0] } ?? []
        var origins: [String] = []
        var contentTypes: [String] = []
        for field in fields {
            switch field.name.lowercased() {
            case "host": hosts.append(field.value)
            case "origin": origins.append(field.value)
            case "content-type": contentTypes.append(field.value)
            case let name where (name == "forwarded" || name.hasPrefix("x-forwarded-")) && !isGuarded():
                return .refused(
                    403, "Forbidden", field: field.name, value: field.value,
                    "requests through a proxy are refused while there is no authentication")
            default: break
            }
        }
        guard hosts.count == 1 else {
            return Problem(400, "Bad Request", detail: "the request needs exactly one Host header")
        }
        guard let authority = Authority(hosts[0]), isOurs(authority, at: address) else {
            return .refused(
                421, "Misdirected Request", field: "Host", value: hosts[0],
                "the Host header must name a loopback address, the address that was connected to, or a name that the "
                    + "provider was started with (--public-host NAME)",
                allowed: ["127.0.0.1", "localhost", "[::1]"] + publicHosts.sorted())
        }
        if let origin = origins.first(where: { path == OpAMPEndpoint.path || !Self.isOwn($0, authority) }) {
            return .refused(
                403, "Forbidden", field: "Origin", value: origin,
                path == OpAMPEndpoint.path ? "agents send no Origin" : "pages of another origin are refused")
        }
        // Other methods have no body here, and a page cannot send those that change something without asking first.
        if ["POST", "PUT", "PATCH"].contains(method), path != OpAMPEndpoint.path,
            contentTypes.count != 1 || Self.mediaType(contentTypes[0]) != "application/json"
        {
            return .refused(
                415, "Unsupported Media Type", field: "Content-Type", value: contentTypes.first,
                "what changes something must be sent as application/json", allowed: ["application/json"])
        }
        return nil
    }

    /// The type of a Content-Type in lower case, without parameters.
    package static func mediaType(_ contentType: String) -> String {
        contentType.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased()
    }

    /// Whether a name is one of those that the provider was started with.
    func isPublic(_ authority: Authority) -> Bool { publicHosts.contains(authority.host) }

    /// A page of somebody else has a name of theirs in its Host header, never an address of this machine.
    private func isOurs(_ authority: Authority, at address: String?) -> Bool {
        if authority.isLoopback || isPublic(authority) { return true }
        guard let address = address?.lowercased() else { return false }
        let mapped = "::ffff:"
        return authority.host == (address.hasPrefix(mapped) ? String(address.dropFirst(mapped.count)) : address)
    }

    private static func isOwn(_ origin: String, _ host: Authority) -> Bool {
        let scheme = origin.lowercased().hasPrefix("http://") ? "http://" : "https://"
        return origin.lowercased().hasPrefix(scheme) && Authority(origin.dropFirst(scheme.count)) == host
    }
}

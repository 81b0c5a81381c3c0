package import FleetAPI

/// Who may ask at all while nobody authenticates: programs on this machine, and pages that came from here.
///
/// Any web page can reach a loopback address, under a name of its choice too. So the Host must be loopback, a foreign
/// Origin is refused (on the agents' path any), what changes something must be JSON, which a page cannot send
/// without asking first, and a request that a proxy passed on is not from this machine.
package enum AccessRules {
    /// Decides on a request by its head alone.
    ///
    /// - Parameters:
    ///   - path: without the query.
    ///   - host: the Host header where it is kept apart from the others.
    ///   - fields: the other header fields, names in any case.
    /// - Returns: nil when the request may go on.
    package static func refusal(
        method: String, path: String, host: String?, fields: some Sequence<(name: String, value: String)>
    ) -> Problem? {
        var hosts = host.map { [$0] } ?? []
        var origins: [String] = []
        var contentTypes: [String] = []
        for field in fields {
            switch field.name.lowercased() {
            case "host": hosts.append(field.value)
            case "origin": origins.append(field.value)
            case "content-type": contentTypes.append(field.value)
            case let name where name == "forwarded" || name.hasPrefix("x-forwarded-"):
                return .refused(
                    403, "Forbidden", field: field.name, value: field.value,
                    "requests through a proxy are refused while there is no authentication")
            default: break
            }
        }
        guard hosts.count == 1 else {
            return Problem(400, "Bad Request", detail: "the request needs exactly one Host header")
        }
        guard let authority = Authority(hosts[0]), authority.isLoopback else {
            return .refused(
                421, "Misdirected Request", field: "Host", value: hosts[0],
                "the Host header must name a loopback address", allowed: ["127.0.0.1", "localhost", "[::1]"])
        }
        if let origin = origins.first(where: { path == OpAMPEndpoint.path || !isOwn($0, authority) }) {
            return .refused(
                403, "Forbidden", field: "Origin", value: origin,
                path == OpAMPEndpoint.path ? "agents send no Origin" : "pages of another origin are refused")
        }
        // Other methods have no body here, and a page cannot send those that change something without asking first.
        if ["POST", "PUT", "PATCH"].contains(method), path != OpAMPEndpoint.path,
            contentTypes.count != 1 || mediaType(contentTypes[0]) != "application/json"
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

    private static func isOwn(_ origin: String, _ host: Authority) -> Bool {
        let scheme = origin.lowercased().hasPrefix("http://") ? "http://" : "https://"
        return origin.lowercased().hasPrefix(scheme) && Authority(origin.dropFirst(scheme.count)) == host
    }
}

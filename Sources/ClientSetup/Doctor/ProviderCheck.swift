import FleetAPI
import HTTP
import JSON

/// Asks one provider as a server of one entry would, and says what is in the way.
struct ProviderCheck {
    private static let goodTime: Duration = .seconds(7 * 86_400)

    let settings: Settings
    let users: [String]
    private let environment: (String) -> String?
    private var name: String { settings.provider }

    /// - Parameter users: the clients that are connected to it.
    init(_ settings: Settings, users: [String], environment: @escaping (String) -> String?) {
        (self.settings, self.users, self.environment) = (settings, users, environment)
    }

    func examine() async -> [Finding] {
        let token: String?
        do {
            token =
                try settings.tokenFile.map { (path) throws(UsageError) in try readToken(from: path) } ?? settings.token
        } catch {
            return [Finding("token", .fail, "\(error)", "a token is one line in a file that only you can read")]
        }
        var configuration = HTTPConfiguration(bearerToken: token)
        configuration.caFile = settings.caFile
        configuration.clientCertificateFile = settings.clientCertificate
        configuration.clientKeyFile = settings.clientKey
        configuration.userAgent = "opamp-mcp/\(productVersion)"
        let client = HTTPClient(configuration)
        let time = Duration.seconds(settings.timeoutSeconds ?? 10)
        func get(_ path: String) async throws(HTTPError) -> HTTPResponse {
            try await client.send(
                HTTPRequest(.get, settings.provider + path, headers: [("Accept", "application/json")], timeout: time))
        }
        do throws(HTTPError) {
            let response = try await get("/api/v1/info")
            guard let info = info(response) else { return [await refusal(response, hasToken: token != nil, get)] }
            let asked = users.isEmpty ? "" : ", for \(users.joined(separator: " and "))"
            var findings = [
                Finding("provider", .ok, "\(name) answers: \(clean(info.product)) \(clean(info.version))\(asked)")
            ]
            if let version = version(info) { findings.append(version) }
            findings += who(try await get("/api/v1/session"))
            if info.agents == 0 {
                findings.append(
                    Finding(
                        "agents", .warn, "no agent has reported to \(name) yet",
                        "point agents to its path /v1/opamp, or run opamp-sim for a trial"))
            } else {
                findings.append(Finding("agents", .ok, "\(info.agents) known"))
            }
            return findings
        } catch {
            return [failure(error)]
        }
    }

    /// Nil for anything but the answer of a provider.
    private func info(_ response: HTTPResponse) -> ServerInfo? {
        guard response.status == 200, response.contentType == "application/json" else { return nil }
        return (try? JSON(parsing: response.body)).flatMap { try? ServerInfo(json: $0) }
    }

    private func version(_ info: ServerInfo) -> Finding? {
        func release(_ version: String) -> [Substring] { Array(version.split(separator: ".").prefix(2)) }
        guard release(info.version) != release(productVersion) else { return nil }
        return Finding(
            "version", .warn, "the provider is \(clean(info.version)), this is \(productVersion)",
            "what only one of them knows is refused; install the same version of both")
    }

    private func who(_ response: HTTPResponse) -> [Finding] {
        guard response.status == 200, let json = try? JSON(parsing: response.body),
            let session = try? SessionInfo(json: json)
        else {
            return [Finding("token", .warn, "\(name) does not say who asks (\(response.status))", Self.sameVersion)]
        }
        if session.kind == .anonymous {
            return [
                Finding("token", .ok, "\(name) asks nobody for one: every program that reaches it may do anything")
            ]
        }
        let caller = "\(clean(session.name)), \(session.role.rawValue)"
        var findings: [Finding] = []
        if session.role == .viewer, !settings.isReadOnly {
            findings.append(
                Finding(
                    "token", .warn, "\(caller): tools that change something will be refused",
                    "use a token of the role operator, or --read-only, which leaves those tools out"))
        }
        if let end = session.expiresAt, end - Timestamp(seconds: wallSeconds()) < Self.goodTime {
            findings.append(
                Finding(
                    "token", .warn, "\(caller), ends at \(Timestamp(seconds: end.seconds))",
                    "have another one made in time: \(Self.making)"))
        }
        let end = session.expiresAt.map { ", until \(Timestamp(seconds: $0.seconds))" } ?? ""
        return findings.isEmpty ? [Finding("token", .ok, caller + end)] : findings
    }

    private static let making =
        "opamp-provider token create --data-dir DIR --name NAME --role operator --expires 90d, on its machine"
    private static let sameVersion = "install the same version of provider and opamp-mcp"
    private static let addressing = "set OPAMP_SERVER_URL or --provider to the provider's address"

    /// What an answer that is not the wanted one tells.
    private func refusal(
        _ response: HTTPResponse, hasToken: Bool, _ get: (String) async throws(HTTPError) -> HTTPResponse
    ) async -> Finding {
        let problem =
            response.contentType == "application/problem+json"
            ? (try? JSON(parsing: response.body)).flatMap { try? Problem(json: $0) } : nil
        let said = problem.map { ": " + clean($0.detail.isEmpty ? $0.title : $0.detail, limit: 300) } ?? ""
        switch response.status {
        case 401 where problem != nil:
            // Without one the provider says no more than that.
            let what = hasToken ? "refuses the token\(said)" : "wants a token"
            let wayOut = "write it to a file that only you can read, and give --token-file FILE"
            return Finding("token", .fail, "\(name) \(what)", "\(Self.making); \(wayOut)")
        case 429 where problem != nil:
            return Finding(
                "token", .fail, "\(name) saw too many wrong tokens from here\(said)",
                "wait a minute, then use the right one")
        case 403 where problem != nil, 421 where problem != nil:
            return Finding("provider", .fail, "\(name) refuses this (\(response.status))\(said)", Self.addressing)
        case 503 where problem != nil:
            return Finding(
                "provider", .fail, "\(name) is not ready\(said)", "opamp-provider doctor says why, on its machine")
        case 300..<400:
            let place = response.header("Location").map { " to " + clean($0.prefix { $0 != "?" }, limit: 200) } ?? ""
            return Finding(
                "provider", .fail, "\(name) sends callers elsewhere\(place)", "give that address with --provider")
        default: break
        }
        let paths = ["/api/v1", "/v1/opamp", "/sse", "/mcp"]
        if let path = paths.first(where: { name.hasSuffix($0) }) {
            return Finding(
                "provider", .fail, "\(name) is a path that is no provider's (\(response.status))",
                "give the address without \(path): --provider \(name.dropLast(path.count))")
        }
        if let older = try? await get("/api/settings/client"), older.status == 200,
            (try? JSON(parsing: older.body))?["default_heartbeat_frequency"] != nil
        {
            return Finding(
                "provider", .fail, "\(name) is the Python project's server, whose API this version does not speak",
                "run opamp-provider, and point agents and --provider to it")
        }
        let what = response.contentType.map { clean($0, limit: 60) } ?? "something without a type"
        return Finding(
            "provider", .fail, "\(name) answered \(response.status) with \(what): another program listens there",
            Self.addressing)
    }

    /// What it means that there is no answer.
    private func failure(_ error: HTTPError) -> Finding {
        let check = "provider"
        switch error {
        case .libraryMissing:
            return Finding("libraries", .fail, "\(error)", "on Debian: apt-get install libcurl4")
        case .refused:
            let proxy = ["https_proxy", "http_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"].first {
                environment($0) != nil
            }
            let hint = proxy.map { "; a proxy is set by \($0)" } ?? ""
            return Finding(
                check, .fail, "\(name): nobody answers there, or there is no way there",
                "start opamp-provider, or \(Self.addressing)\(hint)")
        case .unresolved(let host): return Finding(check, .fail, "no address is known for \(host)", Self.addressing)
        case .timedOut(_, let time):
            return Finding(
                check, .fail, "no answer from \(name) within \(time)",
                "check address and firewall, or allow more with --timeout")
        case .interrupted:
            return Finding(
                check, .fail, "\(name) closed the connection without an answer",
                name.hasPrefix("http:") ? "if it speaks TLS, give https:// instead of http://" : Self.addressing)
        case .insecureToken:
            return Finding(check, .fail, "\(error)", "give https:// instead of http://")
        case .tls(_, let reason):
            return Finding(
                "tls", .fail, "no trusted connection to \(name): \(clean(reason, limit: 200))", advice(tls: reason))
        case .badURL, .badHeader, .tooLarge, .cancelled, .other:
            return Finding(check, .fail, "\(error)", Self.addressing)
        }
    }

    private func advice(tls reason: String) -> String {
        let reason = reason.lowercased()
        func says(_ words: String...) -> Bool { words.contains { reason.includes($0) } }
        if says("has expired") { return "have the provider's certificate renewed" }
        if says("not yet valid") { return "check the clocks of both machines" }
        if says("subject name", "does not match") {
            return "use a name that the certificate holds in --provider, or have one made for this name"
        }
        if says("verify locations", "setting certificate", "cafile") {
            return "give an authority's certificate in PEM with --ca-file"
        }
        if says("wrong version", "record layer", "packet length") {
            return "it does not speak TLS there: give http://, if it is on this machine"
        }
        if says("self-signed", "self signed", "issuer", "unable to get") {
            return "give the certificate of its authority (PEM) with --ca-file FILE"
        }
        if says("private key", "pem file", "client certificate", "set certificate") {
            return "check the files of --client-cert and --client-key (PEM, and of one pair)"
        }
        if says("alert") { return "it wants a certificate: give --client-cert FILE and --client-key FILE" }
        return "check the host name, --ca-file and --client-cert"
    }
}

import FleetAPI
import Glibc
import HTTP
import JSON

// The provider itself, if it runs: whether it answers, is ready, and can tell people.
extension Doctor {
    func examineProvider(_ stored: StoredFacts?) async -> [Finding] {
        let base = url ?? "\(tlsFiles == nil ? "http" : "https")://\(listen)"
        let isHeld = isDirectoryHeld()
        var configuration = HTTPConfiguration(bearerToken: token)
        configuration.caFile = caFile
        let client = HTTPClient(configuration)
        func get(_ path: String) async throws(HTTPError) -> HTTPResponse {
            try await client.send(HTTPRequest(.get, base + path, timeout: .seconds(10)))
        }
        let alive: HTTPResponse
        do {
            alive = try await get("/healthz")
        } catch {
            if case .refused = error, url == nil {
                return [
                    isHeld
                        ? Finding(
                            "provider", .warn, "one runs on this data directory, but not at \(listen)",
                            "give its address with --url or --listen")
                        : Finding("address", .ok, "nobody listens on \(listen): a provider can")
                ]
            }
            return [
                Finding(
                    "provider", .fail, "\(base): \(error)", isHeld ? nil : "no provider has this data directory open")
            ]
        }
        guard isOurs(alive) else {
            return [
                Finding(
                    "address", .fail, "\(base) is answered by another program (status \(alive.status))",
                    "choose another address with --listen, or stop that program")
            ]
        }
        var findings = [
            Finding(
                "provider", isHeld ? .ok : .warn, "\(base) answers",
                isHeld ? nil : "but no provider has this data directory open: it uses another one")
        ]
        findings.append(await readiness(get))
        findings += await examineShownCertificate(get)
        findings += await webhook(stored, get)
        return findings
    }

    private func isOurs(_ response: HTTPResponse) -> Bool {
        switch response.status {
        case 200: (try? JSON(parsing: response.body))?["status"] == "ok"
        case 401, 403: response.contentType == "application/problem+json"
        default: false
        }
    }

    private func readiness(_ get: (String) async throws(HTTPError) -> HTTPResponse) async -> Finding {
        do throws(HTTPError) {
            let response = try await get("/readyz")
            switch response.status {
            case 200: return Finding("ready", .ok, "the provider is ready")
            case 401, 403:
                return Finding(
                    "ready", .warn, "the provider does not tell without a token",
                    "give one of the role viewer in OPAMP_SERVER_TOKEN")
            default:
                let detail = (try? JSON(parsing: response.body))?["detail"]?.string ?? "status \(response.status)"
                return Finding("ready", .fail, "the provider is not ready: \(clean(detail, limit: 400))")
            }
        } catch {
            return Finding("ready", .fail, "\(error)")
        }
    }

    private func webhook(
        _ stored: StoredFacts?, _ get: (String) async throws(HTTPError) -> HTTPResponse
    ) async -> [Finding] {
        guard let stored, !stored.settings.webhookURL.isEmpty else { return [] }
        let address = WebhookAddress.shown(stored.settings.webhookURL)
        guard let response = try? await get("/api/v1/settings"), response.status == 200,
            let json = try? JSON(parsing: response.body), let settings = try? ProviderSettings(json: json),
            let status = settings.webhookStatus
        else { return [Finding("webhook", .warn, "\(address); how it does is not told without a token")] }
        let counts = "\(status.delivered) requests taken, \(status.failed) failed, \(status.dropped) notices given up"
        guard let error = status.lastError else { return [Finding("webhook", .ok, "\(address): \(counts)")] }
        return [
            Finding(
                "webhook", .warn, "\(address): \(counts); the last one: \(clean(error, limit: 400))",
                "it is tried again; check webhook_url and whether this machine reaches it")
        ]
    }

    /// Whether a provider has the data directory open.
    private func isDirectoryHeld() -> Bool {
        let lock = open(directory + "/lock", O_RDONLY | O_CLOEXEC)
        guard lock >= 0 else { return false }
        defer { close(lock) }
        return flock(lock, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }
}

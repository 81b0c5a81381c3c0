import FleetAPI
import HTTP
import JSON

// TLS: whether its files can be used, and for how long.
extension Doctor {
    /// Nothing where no files are given.
    func examineTLS() -> [Finding] {
        guard let files = tlsFiles else { return [] }
        do {
            let material = try TLSMaterial(files)
            return [Self.age(files.certificate, from: material.beginsAt, to: material.expiresAt, at: now)]
        } catch {
            return [Finding("certificate", .fail, "\(error)", "the provider starts only with files that can be used")]
        }
    }

    /// The certificate that a provider shows, as it tells itself; nothing without TLS, or without leave to ask.
    func examineShownCertificate(
        _ get: (String) async throws(HTTPError) -> HTTPResponse
    ) async -> [Finding] {
        guard let response = try? await get("/api/v1/info"), response.status == 200,
            let json = try? JSON(parsing: response.body), let info = try? ServerInfo(json: json),
            let expiresAt = info.certificateExpiresAt
        else { return [] }
        return [Self.age("the one that is shown", from: Timestamp(seconds: 0), to: expiresAt, at: now)]
    }

    private static func age(
        _ name: String, from beginsAt: Timestamp, to expiresAt: Timestamp, at now: Timestamp
    ) -> Finding {
        let days = (expiresAt - now).components.seconds / 86_400
        let advice =
            "put the renewed certificate and its key in the place of the files: a provider that runs takes them"
        return switch CertificateAge(from: beginsAt, to: expiresAt, at: now) {
        case .good: Finding("certificate", .ok, "\(name): good for \(days) days, until \(expiresAt)")
        case .endsSoon: Finding("certificate", .warn, "\(name): ends in \(days) days, at \(expiresAt)", advice)
        case .ended: Finding("certificate", .fail, "\(name): has ended at \(expiresAt)", advice)
        case .notYet: Finding("certificate", .fail, "\(name): is not good before \(beginsAt)", "set the clock right")
        }
    }
}

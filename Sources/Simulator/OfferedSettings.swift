import FoundationEssentials
import OpAMP
import SwiftProtobuf

/// The connection settings that an agent was offered last, and why it cannot take them, if so.
struct OfferedSettings: Sendable {
    let hash: Data
    /// Nil when they are in use.
    let failure: String?

    /// The token that came with them, if the agent takes it.
    let token: BearerToken?

    /// A simulated agent stays where it is and takes only another heartbeat interval, and a token if it enrols.
    init(_ offer: ConnectionSettingsOffers, from serverURL: String, enrols: Bool = false) {
        hash = offer.hash
        let headers = offer.opamp.headers.headers
        let isToken = enrols && headers.count == 1 && headers[0].key.lowercased() == "authorization"
        let token = isToken ? BearerToken(authorization: headers[0].value) : nil
        self.token = token
        let other = Self.names(of: offer.opamp, except: serverURL).filter { $0 != "headers" || token == nil }
        failure = other.isEmpty ? nil : "not supported by the simulator: \(other.joined(separator: ", "))"
    }

    var report: ConnectionSettingsStatus {
        .with {
            $0.lastConnectionSettingsHash = hash
            $0.status = failure == nil ? .applied : .failed
            $0.errorMessage = failure ?? ""
        }
    }

    /// The fields, other than the heartbeat interval, that would change something.
    static func names(of settings: OpAMPConnectionSettings, except serverURL: String = "") -> [String] {
        var names: [String] = []
        if !settings.destinationEndpoint.isEmpty, settings.destinationEndpoint != serverURL {
            names.append("destination_endpoint")
        }
        if settings.hasHeaders { names.append("headers") }
        if settings.hasCertificate { names.append("certificate") }
        if settings.hasTls { names.append("tls") }
        if settings.hasProxy { names.append("proxy") }
        return names
    }
}

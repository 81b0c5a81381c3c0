import FoundationEssentials
import OpAMP
import SwiftProtobuf

/// The connection settings that an agent was offered last, and why it cannot take them, if so.
struct OfferedSettings: Sendable {
    let hash: Data
    /// Nil when they are in use.
    let failure: String?

    /// A simulated agent stays where it is and takes only another heartbeat interval.
    init(_ offer: ConnectionSettingsOffers, from serverURL: String) {
        hash = offer.hash
        let other = Self.names(of: offer.opamp, except: serverURL)
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

import FleetAPI
import JSON
import OpAMP

// The commands that carry offers: asked for by paths of their own, never by `POST agents/{ref}/commands`.
extension CommandKind {
    static let config = CommandKind(
        name: "config", description: "Offer the agent a configuration.",
        requirement: .capability(.acceptsRemoteConfig, name: "AcceptsRemoteConfig"), proof: .configStatus,
        schema: ["type": "object"]
    )
    static let heartbeat = CommandKind(
        name: "heartbeat", description: "Offer the agent a heartbeat interval.",
        requirement: .capability(.reportsHeartbeat, name: "ReportsHeartbeat"), proof: .settingsStatus,
        schema: ["type": "object"]
    )
    static let connectionSettings = CommandKind(
        name: "connection_settings", description: "Offer the agent settings of its OpAMP connection.",
        requirement: .capability(.acceptsOpAMPConnectionSettings, name: "AcceptsOpAMPConnectionSettings"),
        proof: .settingsStatus, schema: ["type": "object"]
    )

    /// The command of that name, if it carries an offer.
    static func offering(_ name: String) -> CommandKind? {
        switch name {
        case "config": config
        case "heartbeat": heartbeat
        case "connection_settings": connectionSettings
        default: nil
        }
    }
}

extension Command {
    /// What the command offers; nil for one that carries no offer.
    var offerKind: OfferKind? {
        switch command {
        case "config": .config
        case "heartbeat", "connection_settings": .settings
        default: nil
        }
    }

    /// The hash of the offer, as hex, and the number of its revision.
    var offeredHash: String? { parameters["hash"]?.string }
    var offeredRevision: Int? { parameters["revision"]?.integer }
}

import FleetAPI
import JSON
import OpAMP
import SwiftProtobuf

// Connection settings and the heartbeat interval: one set of desired settings for each agent.
extension Fleet {
    /// What people want an agent to connect with, secrets masked, and what it said of that.
    func connection(_ reference: String) async throws(Problem) -> AgentConnection {
        let view = try view(reference)
        var connection = AgentConnection()
        let agent = shown([view])[0]
        (connection.instanceUID, connection.shortID) = (agent.instanceUID, agent.shortID)
        connection.asOf = Moment.now().wall
        connection.heartbeatSeconds = view.record.decisions.settings.taken
        if let offer = view.record.decisions.settings.desired {
            var desired = AgentConnection.Desired()
            (desired.revision, desired.hash, desired.state) = (offer.revision, offer.hash.hex, offer.state)
            (desired.error, desired.commandID) = (offer.error, offer.commandID)
            (desired.requestedBy, desired.requestedFrom) = (offer.requestedBy, offer.requestedFrom)
            desired.requestedAt = offer.requestedAt
            desired.settings = try await settings(offer).shown
            connection.desired = desired
        }
        if let status = view.facts.connection?.value {
            var reported = AgentConfig.Reported()
            (reported.status, reported.error) = (status.status, status.error)
            reported.hash = status.hash.isEmpty ? nil : status.hash.hex
            connection.reported = reported
        }
        return connection
    }

    /// Makes these the desired connection settings of an agent and offers them. A heartbeat interval that is left out
    /// stays as it is, since an agent reads none as "no heartbeats".
    ///
    /// - Throws: 400 and 422 for settings that cannot be offered; see `offer`.
    func offerConnection(
        _ request: ConnectionSettings, to reference: String, ifMatch: IfMatch?, caller: Caller
    ) async throws(Problem) -> Command {
        var settings = try OpAMPConnectionSettings(request)
        guard request != ConnectionSettings() else {
            throw .badRequest(field: "body", "there is no setting in it; use: \(Self.settingNames)")
        }
        let view = try view(reference)
        let offering = view.record.decisions.settings
        if let seconds = request.heartbeatSeconds {
            try checkHeartbeat(seconds, "heartbeat_seconds")
            try need(CommandKind.heartbeat, view.facts)
        }
        if view.facts.capabilities.contains(.reportsHeartbeat) {
            let seconds = request.heartbeatSeconds ?? offering.desired?.heartbeatSeconds ?? offering.taken
            settings.heartbeatIntervalSeconds = UInt64(seconds ?? Self.defaultHeartbeatSeconds)
        }
        var offer = Self.request(settings, .connectionSettings, basedOn: offering)
        offer.ifMatch = ifMatch
        return try await self.offer(offer, to: view.record.uid, caller: caller)
    }

    /// Makes this the desired heartbeat interval of an agent and offers it, with what else is desired of its connection.
    ///
    /// - Returns: nil when an interval was withdrawn and nothing else is desired: then nothing is offered any more.
    /// - Throws: 400 for a number that is none; see `offer`.
    func offerHeartbeat(
        _ request: HeartbeatRequest, to reference: String, ifMatch: IfMatch?, caller: Caller
    ) async throws(Problem) -> Command? {
        let view = try view(reference)
        let offering = view.record.decisions.settings
        var settings = OpAMPConnectionSettings()
        if let present = offering.desired { settings = try await self.settings(present) }
        if request.seconds == .null {
            guard !settings.isHeartbeatOnly else {
                try await withdraw(.settings, from: view.record.uid, ifMatch: ifMatch, caller: caller)
                return nil
            }
            settings.heartbeatIntervalSeconds = UInt64(Self.defaultHeartbeatSeconds)
        } else {
            guard let seconds = request.seconds.integer else {
                throw .badRequest(
                    field: "seconds", value: request.seconds.text, "seconds is a whole number, or null to withdraw it")
            }
            try checkHeartbeat(seconds, "seconds")
            settings.heartbeatIntervalSeconds = UInt64(seconds)
        }
        try need(CommandKind.heartbeat, view.facts)
        var offer = Self.request(settings, .heartbeat, basedOn: offering)
        offer.parameters = ["seconds": .integer(Int(settings.heartbeatIntervalSeconds))]
        (offer.ifMatch, offer.expiresSeconds) = (ifMatch, request.expiresSeconds)
        offer.confirmSeconds = request.confirmSeconds
        return try await self.offer(offer, to: view.record.uid, caller: caller)
    }

    /// What agents do unless told otherwise. Spec: OpAMP, "OpAMPConnectionSettings.heartbeat_interval_seconds".
    private static let defaultHeartbeatSeconds = 30
    private static var settingNames: String { ConnectionSettings.fieldNames.joined(separator: ", ") }

    private static func request(
        _ settings: OpAMPConnectionSettings, _ command: CommandKind, basedOn offering: Offering
    ) -> OfferRequest {
        var request = OfferRequest(
            kind: .settings, command: command, hash: settings.offerHash, body: settings.stored,
            revision: ConfigRevision()
        )
        // An offer of more than an interval needs the capability for it, whatever it was asked for by.
        request.gate = settings.isHeartbeatOnly ? .heartbeat : .connectionSettings
        request.heartbeatSeconds = Int(settings.heartbeatIntervalSeconds)
        request.basedOn = offering.desired?.revision ?? 0
        let endpoint = SecretMask.masked(settings.destinationEndpoint)
        if !endpoint.isEmpty { request.parameters["destination_endpoint"] = .string(endpoint) }
        return request
    }

    private func settings(_ offer: Offer) async throws(Problem) -> OpAMPConnectionSettings {
        try await reading {
            guard let body: [UInt8] = try await self.store.config(offer.hash.hex) else {
                throw StoreError(.database, "there is no content with hash \(offer.hash.hex)")
            }
            return try OpAMPConnectionSettings(serializedBytes: body)
        }
    }

    private func checkHeartbeat(_ seconds: Int, _ field: String) throws(Problem) {
        guard !HeartbeatRequest.secondsAllowed.contains(seconds) else { return }
        let range = "\(HeartbeatRequest.secondsAllowed.lowerBound) to \(HeartbeatRequest.secondsAllowed.upperBound)"
        throw .badRequest(
            field: field, value: String(seconds), "\(field) must be \(range); 0 turns heartbeats off", allowed: [range])
    }

    private func need(_ kind: CommandKind, _ facts: AgentFacts) throws(Problem) {
        guard !kind.isTaken(by: facts, [:]) else { return }
        let missing = kind.needed([:]) ?? ""
        var problem = Problem(
            409, "Agent cannot do it",
            detail: "the agent does not have the capability \(missing) that \(kind.name) needs"
        )
        problem.missingCapability = missing
        throw problem
    }
}

import FleetAPI
import JSON
import OpAMP
import SwiftProtobuf

// Connection settings and the heartbeat interval: one set of desired settings for each agent.
extension Fleet {
    /// What people want an agent to connect with, secrets masked unless `isUnmasked`, and what it said of that.
    func connection(_ reference: String, isUnmasked: Bool = false) async throws(Problem) -> AgentConnection {
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
            desired.settings = try await settings(offer).told(isUnmasked: isUnmasked)
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
    /// - Throws: 400 and 422 for settings that cannot be offered; see `offer` and `once`.
    func offerConnection(
        _ request: ConnectionSettings, to reference: String, ifMatch: IfMatch?, caller: Caller,
        idempotencyKey: String? = nil
    ) async throws(Problem) -> Command {
        let act = OfferAct(
            verb: "offer", what: CommandKind.connectionSettings.name, agent: reference, body: request.json,
            caller: caller, idempotencyKey: idempotencyKey)
        return try await once(act) { repeatable async throws(Problem) -> Command in
            let view = try view(reference)
            var offer = try self.offer(request, to: view)
            (offer.ifMatch, offer.repeatable) = (ifMatch, repeatable)
            return try await self.offer(offer, to: view.record.uid, caller: caller)
        }
    }

    private func offer(_ request: ConnectionSettings, to view: AgentView) throws(Problem) -> OfferRequest {
        var settings = try OpAMPConnectionSettings(request)
        guard request != ConnectionSettings() else {
            throw .badRequest(field: "body", "there is no setting in it; use: \(Self.settingNames)")
        }
        let offering = view.record.decisions.settings
        if request.heartbeatSeconds != nil { try need(CommandKind.heartbeat, view.facts) }
        if view.facts.capabilities.contains(.reportsHeartbeat) {
            let seconds = request.heartbeatSeconds ?? offering.desired?.heartbeatSeconds ?? offering.taken
            settings.heartbeatIntervalSeconds = UInt64(seconds ?? Self.defaultHeartbeatSeconds)
        }
        return self.request(settings, .connectionSettings, to: view)
    }

    /// Offers the desired connection settings, or the interval alone, again after they failed, or remained without proof.
    ///
    /// - Throws: 409 when they did not; see `offer` and `once`.
    func retryConnection(
        _ request: RetryRequest, of reference: String, ifMatch: IfMatch?, caller: Caller, idempotencyKey: String? = nil
    ) async throws(Problem) -> Command {
        let act = OfferAct(
            verb: "retry", what: CommandKind.connectionSettings.name, agent: reference, body: request.json,
            caller: caller, idempotencyKey: idempotencyKey)
        return try await once(act) { repeatable async throws(Problem) -> Command in
            let record = try view(reference).record
            guard let present = record.decisions.settings.desired else {
                throw Problem(409, "Nothing to retry", detail: "no connection settings are desired of this agent")
            }
            let kind = CommandKind.offering(present.command) ?? .connectionSettings
            var offer = Self.request(try await settings(present), kind, gate: kind, basedOn: present.revision)
            (offer.isRetry, offer.isEndpointFilled) = (true, present.isEndpointFilled)
            (offer.ifMatch, offer.repeatable) = (ifMatch, repeatable)
            (offer.expiresSeconds, offer.confirmSeconds) = (request.expiresSeconds, request.confirmSeconds)
            return try await self.offer(offer, to: record.uid, caller: caller)
        }
    }

    /// Makes this the desired heartbeat interval of an agent and offers it, with what else is desired of its connection.
    ///
    /// - Returns: nil when an interval was withdrawn and nothing else is desired: then nothing is offered any more.
    /// - Throws: see `offer` and `once`.
    func offerHeartbeat(
        _ request: HeartbeatRequest, to reference: String, ifMatch: IfMatch?, caller: Caller,
        idempotencyKey: String? = nil
    ) async throws(Problem) -> Command? {
        let act = OfferAct(
            verb: "offer", what: CommandKind.heartbeat.name, agent: reference, body: request.json, caller: caller,
            idempotencyKey: idempotencyKey)
        let again = { @Sendable (id: String) async throws(Problem) -> Command? in
            id.isEmpty ? nil : try await self.command(id, wait: .zero)
        }
        return try await once(act, again: again) { repeatable async throws(Problem) -> Command? in
            let view = try view(reference)
            guard var offer = try await self.offer(request, to: view) else {
                try await withdraw(
                    .settings, from: view.record.uid, ifMatch: ifMatch, caller: caller, as: repeatable)
                return nil
            }
            (offer.ifMatch, offer.repeatable) = (ifMatch, repeatable)
            return try await self.offer(offer, to: view.record.uid, caller: caller)
        }
    }

    /// nil when nothing is left to offer.
    private func offer(_ request: HeartbeatRequest, to view: AgentView) async throws(Problem) -> OfferRequest? {
        var settings = OpAMPConnectionSettings()
        if let present = view.record.decisions.settings.desired {
            settings = try await self.settings(present)
            // The one of now is filled in again.
            if present.isEndpointFilled { settings.destinationEndpoint = "" }
        }
        if let seconds = request.seconds.value {
            settings.heartbeatIntervalSeconds = UInt64(seconds)
        } else {
            guard !settings.isHeartbeatOnly else { return nil }
            settings.heartbeatIntervalSeconds = UInt64(Self.defaultHeartbeatSeconds)
        }
        try need(CommandKind.heartbeat, view.facts)
        var offer = self.request(settings, .heartbeat, to: view)
        (offer.expiresSeconds, offer.confirmSeconds) = (request.expiresSeconds, request.confirmSeconds)
        return offer
    }

    /// What agents do unless told otherwise. Spec: OpAMP, "OpAMPConnectionSettings.heartbeat_interval_seconds".
    static let defaultHeartbeatSeconds = 30
    private static var settingNames: String { ConnectionSettings.fieldNames.joined(separator: ", ") }

    /// Asks for new settings. Where nobody gave an endpoint, it is the one of `agent_url`, by the transport that the agent
    /// uses. Without that setting it is left out: whether there is TLS before the provider cannot be known, and an agent
    /// that is sent to a wrong endpoint never comes back.
    /// Spec: OpAMP, "OpAMPConnectionSettings.destination_endpoint".
    private func request(_ given: OpAMPConnectionSettings, _ command: CommandKind, to view: AgentView) -> OfferRequest {
        var settings = given
        if settings.destinationEndpoint.isEmpty {
            settings.destinationEndpoint = self.settings.endpoint(over: view.vitals.transport)
        }
        // An offer of more than an interval needs the capability for it, whatever it was asked for by.
        let gate = given.isHeartbeatOnly ? CommandKind.heartbeat : .connectionSettings
        let revision = view.record.decisions.settings.desired?.revision ?? 0
        var request = Self.request(settings, command, gate: gate, basedOn: revision)
        request.isEndpointFilled = settings != given
        return request
    }

    private static func request(
        _ settings: OpAMPConnectionSettings, _ command: CommandKind, gate: CommandKind, basedOn revision: Int
    ) -> OfferRequest {
        var request = OfferRequest(
            kind: .settings, command: command, hash: settings.offerHash, body: settings.stored,
            revision: ConfigRevision()
        )
        let seconds = Int(settings.heartbeatIntervalSeconds)
        (request.gate, request.heartbeatSeconds, request.basedOn) = (gate, seconds, revision)
        request.hasHeaders = !settings.headers.headers.isEmpty
        request.hasAuthorization = settings.headers.headers.contains { $0.isAuthorization }
        request.auditText = "every \(seconds) s"
        if command.name == CommandKind.heartbeat.name { request.parameters["seconds"] = .integer(seconds) }
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

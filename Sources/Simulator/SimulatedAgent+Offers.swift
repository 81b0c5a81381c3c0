import FoundationEssentials
import OpAMP
import SwiftProtobuf

// Remote configurations and connection settings: what the agent makes of an offer.
extension SimulatedAgent {
    /// The files of its own, and those of the remote configuration it runs, which replace them by name.
    var effectiveConfig: EffectiveConfig {
        if isStopped { return EffectiveConfig() }
        var config = ConfigText(of: profile).effectiveConfig
        config.configMap.configMap.merge(remoteFiles) { _, remote in remote }
        return config
    }

    /// Takes an offer up, unless it is the one it has; one that failed is tried again.
    mutating func consider(_ offer: AgentRemoteConfig) -> [Action] {
        let isSame = offeredConfig?.hash == offer.configHash
        let isRetry = isSame && offeredConfig?.hasFailed == true
        let isWanted = profile.capabilities.contains(.acceptsRemoteConfig) && (!isSame || isRetry)
        let seen = saw(.config, hash: offer.configHash, isRepeated: isSame, isDone: isWanted)
        if !isWanted || behaviour.ignoresCommands { return [seen] }
        var offered = OfferedConfig(offer)
        offered.isRetry = isRetry
        offeredConfig = offered
        return [seen] + answer(.with { $0.remoteConfigStatus = offered.report }) + tryOfferedConfig()
    }

    /// Waits for the outcome of an offer that has none.
    mutating func tryOfferedConfig() -> [Action] {
        guard let offeredConfig, offeredConfig.outcome == .applying else { return [] }
        return [.wait(.configured(hash: Array(offeredConfig.hash)), for: shortWhile())]
    }

    /// The configuration with that hash has been tried; nothing if another one has come since.
    mutating func configured(_ hash: [UInt8], at now: UnixTime) -> [Action] {
        guard var offered = offeredConfig, offered.outcome == .applying, Array(offered.hash) == hash else { return [] }
        let reason = behaviour.failsConfigurations ? "the agent cannot load its plugins" : offered.failure
        offered.outcome = reason.map { .failed($0) } ?? .applied
        if reason == nil { run(offered.files, at: now) }
        offered.files = [:]
        offeredConfig = offered
        return answer(
            .with {
                $0.remoteConfigStatus = offered.report
                if reason != nil { return }
                $0.effectiveConfig = effectiveConfig
                $0.health = health(at: now)
            }
        )
    }

    /// No file at all stops the agent; the next one starts it again.
    private mutating func run(_ files: [String: AgentConfigObject], at now: UnixTime) {
        if isStopped, !files.isEmpty { startedAt = max(now, startedAt + .nanoseconds(1)) }
        isStopped = files.isEmpty
        remoteFiles = files
    }

    /// Takes the interval of the heartbeats, and a token if it enrols; offers of anything else fail as a whole.
    mutating func consider(_ offers: ConnectionSettingsOffers) -> [Action] {
        let isSame = !offers.hash.isEmpty && offeredSettings?.hash == offers.hash
        let isWanted = profile.capabilities.contains(.acceptsOpAMPConnectionSettings) && !isSame
        let isHeartbeat = OfferedSettings.names(of: offers.opamp).isEmpty
        let seen = saw(
            isHeartbeat ? .heartbeat : .settings, hash: offers.hash.isEmpty ? nil : offers.hash, isRepeated: isSame,
            isDone: isWanted
        )
        if !isWanted || behaviour.ignoresCommands { return [seen] }
        let offered = OfferedSettings(offers, from: behaviour.serverURL, enrols: behaviour.enrols)
        offeredSettings = offered
        var actions = [seen]
        if profile.capabilities.contains(.reportsConnectionSettingsStatus), !offers.hash.isEmpty {
            actions += answer(.with { $0.connectionSettingsStatus = offered.report })
        }
        if offered.failure != nil { return actions }
        let seconds = offers.opamp.heartbeatIntervalSeconds
        heartbeat = min(.seconds(Int64(clamping: seconds)), Self.longestWait)
        heartbeatRound += 1
        return actions + nextHeartbeat() + (offered.token.map { [.show($0)] } ?? [])
    }
}

/// Two lower-case hex digits a byte.
func hex(_ bytes: some Collection<UInt8>) -> String {
    bytes.map { String(0x100 + Int($0), radix: 16).dropFirst() }.joined()
}

import FleetAPI
import Foundation
import JSON
import OpAMP
import SwiftProtobuf

extension AgentFacts {
    /// Takes over what a message says; what it leaves out is unchanged.
    /// Spec: OpAMP, "Agent Status Compression".
    mutating func apply(_ message: AgentToServer, interned: inout InternedTexts) {
        // A zero mask is a message of a client that leaves it out: ReportsStatus is set in every valid one.
        if message.capabilities != 0 { capabilities = AgentCapabilities(rawValue: message.capabilities) }
        if message.hasAgentDescription { describe(message.agentDescription, &interned) }
        if message.hasCustomCapabilities {
            customCapabilities = Set(message.customCapabilities.capabilities.map(CustomCapability.bare))
                .sorted().map { interned.shared($0) }
        }
        if message.hasHealth { take(message.health, &interned) }
        if message.hasEffectiveConfig { take(message.effectiveConfig, &interned) }
        if message.hasRemoteConfigStatus {
            configStatus = ConfigStatus(message.remoteConfigStatus.status)
            configError = Self.shownError(message.remoteConfigStatus.errorMessage)
            reportedConfig = ContentHash(message.remoteConfigStatus.lastRemoteConfigHash)
        }
        if message.hasConnectionSettingsStatus { connection = Boxed(ReportedStatus(message.connectionSettingsStatus)) }
        if message.hasAvailableComponents {
            componentsHash = ContentHash(message.availableComponents.hash)
            if !message.availableComponents.components.isEmpty {
                components = (try? message.availableComponents.serializedBytes()) ?? []
            }
        }
        if message.hasPackageStatuses { packages = (try? message.packageStatuses.serializedBytes()) ?? [] }
        flags = AgentToServerFlags(rawValue: message.flags)
    }

    /// Whether a message is no more than a heartbeat, as most are: `apply` would change nothing.
    func hasNothingNew(in message: AgentToServer) -> Bool {
        (message.capabilities == 0 || message.capabilities == capabilities.rawValue)
            && message.flags == flags.rawValue && !message.hasAgentDescription && !message.hasCustomCapabilities
            && !message.hasHealth && !message.hasEffectiveConfig && !message.hasRemoteConfigStatus
            && !message.hasConnectionSettingsStatus && !message.hasConnectionSettingsRequest
            && !message.hasAvailableComponents && !message.hasPackageStatuses
    }

    private mutating func describe(_ description: AgentDescription, _ interned: inout InternedTexts) {
        attributes =
            description.identifyingAttributes.map { attribute($0, isIdentifying: true, &interned) }
            + description.nonIdentifyingAttributes.map { attribute($0, isIdentifying: false, &interned) }
        findNames(&interned)
    }

    /// Picks what lists show out of the attributes.
    mutating func findNames(_ interned: inout InternedTexts) {
        func first(_ keys: String...) -> Searchable? {
            for key in keys {
                if let found = attributes.first(where: { $0.key == key })?.value.displayText.nonEmpty {
                    return Searchable(interned.shared(found))
                }
            }
            return nil
        }
        type = first("service.name")
        version = first("service.version")
        host = first("host.name", "hostname")
        ip = first("host.ip")
        os = first("os.type", "os_type")
        serviceInstanceID = first("service.instance.id")
    }

    private func attribute(
        _ pair: KeyValue, isIdentifying: Bool, _ interned: inout InternedTexts
    ) -> AgentRecord.Attribute {
        let value: JSON =
            if case .stringValue(let text) = pair.value.value { .string(interned.shared(text)) } else {
                JSON(pair.value)
            }
        return .init(key: interned.shared(pair.key), value: value, isIdentifying: isIdentifying)
    }

    private mutating func take(_ tree: ComponentHealth, _ interned: inout InternedTexts) {
        health = (try? tree.serializedBytes()) ?? []
        isHealthy = tree.healthy
        startTimes = Array(([tree.startTimeUnixNano] + startTimes).prefix(2))
        let worst = tree.healthy ? nil : tree.worst(named: nil)
        error = worst.map { interned.shared($0.error) }
        errorComponent = worst?.name.map { interned.shared($0) }
    }

    private mutating func take(_ config: EffectiveConfig, _ interned: inout InternedTexts) {
        configFiles = config.configMap.configMap.sorted { $0.key < $1.key }.map { name, object in
            var file = ConfigSummary.File()
            file.name = interned.shared(name)
            file.contentType = object.contentType.nonEmpty.map { interned.shared($0) }
            file.bytes = object.body.count
            return file
        }
        configHash = config.contentHash
    }
}

extension ConfigStatus {
    init(_ status: RemoteConfigStatuses) {
        self =
            switch status {
            case .applied: .applied
            case .applying: .applying
            case .failed: .failed
            default: .unset
            }
    }
}

extension ComponentHealth {
    /// The deepest unhealthy component that says why, the first by name; the top itself has no name.
    fileprivate func worst(named name: String?) -> (name: String?, error: String)? {
        for (child, health) in componentHealthMap.sorted(by: { $0.key < $1.key }) where !health.healthy {
            if let found = health.worst(named: name.map { "\($0)/\(child)" } ?? child) { return found }
        }
        return (lastError.nonEmpty ?? status.nonEmpty).map { (name, $0) }
    }
}

extension String {
    var nonEmpty: String? { isEmpty ? nil : self }
}

extension JSON {
    /// An attribute's value in its own type; bytes as hex.
    init(_ value: AnyValue) {
        self =
            switch value.value {
            case .stringValue(let text): .string(text)
            case .boolValue(let flag): .bool(flag)
            case .intValue(let number): .integer(Int(number))
            case .doubleValue(let number): number.isFinite ? .number(number) : .string(value.text)
            case .arrayValue(let array): .array(array.values.map { JSON($0) })
            case .kvlistValue(let list): .object(.init(list.values.map { (key: $0.key, value: JSON($0.value)) }))
            case .bytesValue: .string(value.text)
            case nil: .null
            }
    }

    /// The value as one text, for columns and filters; of a list the first element.
    var displayText: String {
        switch self {
        case .string(let text): text
        case .array(let elements): elements.first?.displayText ?? ""
        case .null: ""
        default: text
        }
    }
}

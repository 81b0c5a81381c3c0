/// An agent as lists show it can be filtered again; attributes, capabilities and commands are not on it and match
/// nothing.
extension Agent: FilterSubject {
    package var uidBits: (high: UInt64, low: UInt64)? {
        guard instanceUID.utf8.count == 32, let high = UInt64(instanceUID.prefix(16), radix: 16),
            let low = UInt64(instanceUID.suffix(16), radix: 16)
        else { return nil }
        return (high, low)
    }

    package func text(_ key: Filter.TextKey) -> String? {
        switch key {
        case .status: status.rawValue
        case .health: health.rawValue
        case .admission: admission.rawValue
        case .type: type
        case .version: version
        case .host: host
        case .ip: ip
        case .os: os
        case .config: problems.contains("config_drift") ? Filter.drift : config?.rawValue
        case .configHash: configHash
        case .error: error
        case .transport: transport?.rawValue
        case .identity: identity?.rawValue ?? Filter.noIdentity
        case .serviceInstanceID: serviceInstanceID
        }
    }

    package func contains(_ key: Filter.ListKey, where matches: (String) -> Bool) -> Bool {
        switch key {
        case .problem: problems.contains(where: matches)
        case .capability, .command: false
        }
    }

    package func moment(_ key: Filter.TimeKey) -> Timestamp? {
        switch key {
        case .lastSeen: lastSeen
        case .firstSeen: firstSeen
        case .started: started
        }
    }

    package func label(_ name: String) -> String? { labels[name] }

    package func attribute(_ name: String) -> String? { nil }
}

import FleetAPI

extension Agent {
    /// Status, health and admission in one word, `config_failed` and `conflict` beside it.
    var state: String {
        var word =
            switch status {
            case .connected: health == .unknown ? "connected" : health.rawValue
            case .disconnected, .stale: status.rawValue
            }
        if admission != .approved { word = admission.rawValue }
        return word + ["config_failed", "conflict"].filter(problems.contains).map { "+" + $0 }.joined()
    }

    /// How an agent is named in a sentence: `web-17 (a1b2c3)`.
    var label: String { agentLabel(host: host, shortID: shortID) }

    /// The error with the component it is of, unless it begins with its name, as messages often do.
    var errorText: String? {
        guard let error else { return nil }
        guard let component = errorComponent, let name = component.split(separator: "/").last else { return error }
        return bareText(error).starts(with: bareText(name)) ? error : "\(component): \(error)"
    }
}

/// Letters and digits alone: `output:es.0` and `output es.0` are the same name.
private func bareText(_ text: some StringProtocol) -> some Sequence<UInt8> {
    text.utf8.lazy.filter { $0 &- 48 < 10 || ($0 | 0x20) &- 97 < 26 || $0 >= 0x80 }
}

func agentLabel(host: String?, shortID: String) -> String {
    let id = clean(shortID, limit: 32)
    let name = clean(host ?? "", limit: 40)
    return name.isEmpty ? id : "\(name) (\(id))"
}

/// `1 agent`, `50 agents`.
func agentCount(_ count: Int) -> String { count == 1 ? "1 agent" : "\(count) agents" }

import FleetAPI
import JSON

extension OperationPlan {
    /// The most agents that are named.
    private static var namedLimit: Int { 5 }

    /// `restart of 12 of 50 agents`, or of the one agent that is meant.
    func sentence(_ command: String, _ one: Agent?) -> String {
        let name = clean(command, limit: 40)
        if let one { return "\(name) of \(one.label)" }
        return "\(name) of \(targets) of \(agentCount(total))"
    }

    /// The first agents by name, and how many more there are.
    func firstNames(_ one: Agent?) -> String {
        if let one { return clean(one.type ?? "agent", limit: 40) }
        let named = first.prefix(Self.namedLimit).map(\.label).joined(separator: ", ")
        return named + (targets > first.prefix(Self.namedLimit).count ? " … \(targets - Self.namedLimit) more" : "")
    }

    /// Why how many get nothing: `2 without the capability X, 1 already open`.
    var leftOut: String {
        let sorted = excluded.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        return sorted.prefix(5).map { reason, count in
            let why = reason.prefix(1).lowercased() + reason.dropFirst()
            let wayOut = reason == "Known defect" ? " (acknowledge_known_defect: true includes them)" : ""
            return "\(count) \(clean(why, limit: 100))\(wayOut)"
        }.joined(separator: ", ")
    }

    /// What a person is asked before it is done.
    func question(_ operation: OperationRequest, _ one: Agent?) -> String {
        let details = changeHeads(one) + (operation.parameters.isEmpty ? [] : [operation.parameters.json.text])
        let told = details.isEmpty ? "" : "; " + clean(details.joined(separator: ", "), limit: 200)
        return "\(sentence(operation.command, one)): \(firstNames(one))\(told)"
    }

    /// What would be done, to whom, at what risk, and how to have it done.
    ///
    /// - Parameter changes: what becomes of configurations.
    func text(_ command: String, _ one: Agent?, handle: String, changes: [String] = []) -> String {
        var lines = ["planned, nothing is done yet: \(sentence(command, one))\(one == nil ? groups : "")"]
        if one == nil {
            lines.append("first: \(firstNames(nil))")
            if !excluded.isEmpty { lines.append("left out: \(leftOut)") }
        }
        let risks = risks(command, one)
        if !risks.isEmpty { lines.append("risk: " + risks.joined(separator: "; ")) }
        for (note, count) in peerNotes.sorted(by: { $0.key < $1.key }).prefix(2) {
            lines.append("note: \(one == nil ? "\(count) are " : "")\(clean(note, limit: 200))")
        }
        lines += changes
        lines.append("to do it repeat the arguments with plan=\"\(handle)\", expected_count=\(targets) within 10 min")
        return lines.joined(separator: "\n")
    }

    /// Types and versions: ` (9 fluent-bit, 3 fluentd; versions 9 5.1.0, 3 1.19.1)`.
    private var groups: String {
        func told(_ counts: [String: Int]) -> String {
            let sorted = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            let more = sorted.count > 4 ? ", …" : ""
            return sorted.prefix(4).map { "\($0.value) \(clean($0.key, limit: 40))" }.joined(separator: ", ") + more
        }
        return " (\(told(types)); versions \(told(versions)))"
    }

    private func risks(_ command: String, _ one: Agent?) -> [String] {
        var risks: [String] = []
        if command == "shutdown" { risks.append("nothing here can start \(one == nil ? "them" : "it") again") }
        let whole = whole.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(3)
        risks += whole.map { "\($0.value) of \($0.value) of \(clean($0.key, limit: 80))" }
        let away = targets - (status["connected"] ?? 0)
        if away > 0 { risks.append(one == nil ? "\(away) not connected" : "not connected") }
        return risks
    }
}

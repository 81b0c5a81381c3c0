import FleetAPI
import JSON

extension CommandTypes {
    /// - Parameter agent: the agent that can take them, where one was asked about.
    func text(for agent: String?) -> String {
        let whom = agent.map { " to \($0)" } ?? ""
        guard !commandTypes.isEmpty else { return "no command can be sent\(whom)" }
        var columns = ["command", "proof", "what it does"]
        if agent == nil { columns.insert("agents", at: 1) }
        let table = Table(
            columns: columns.map { Table.Column(name: $0, isHoisted: false) },
            rows: commandTypes.map { type in
                let rest = [type.proof == .nothing ? "none" : type.proof.rawValue, type.description]
                return [type.name] + (agent == nil ? ["\(type.agents)"] : []) + rest
            }
        )
        let count = commandTypes.count == 1 ? "1 command" : "\(commandTypes.count) commands"
        let head = "\(count) can be sent\(whom); name= shows the parameters"
        let wrong = definitionErrors.prefix(5).map {
            let member = $0.member.map { " \(clean($0, limit: 80))" } ?? ""
            return "wrong definition in \(clean($0.file, limit: 80)):\(member) \(clean($0.reason, limit: 160))"
        }
        return ([head] + table.lines + wrong).joined(separator: "\n")
    }
}

extension CommandType {
    /// One type with its parameters.
    var text: String {
        let needs = capability.map { "; needs \(clean($0))" } ?? ""
        let outcome = proof == .nothing ? "agents report no outcome" : "proof: \(proof.rawValue)"
        return """
            \(clean(name, limit: 80)): \(clean(description, limit: 400))\(needs); \(agents) agents can take it; \(outcome)
            parameters: \(clean(parameters.text, limit: 2_000))
            """
    }
}

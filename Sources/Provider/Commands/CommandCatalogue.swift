import FleetAPI
import Foundation
import JSON
import OpAMP
import SwiftProtobuf

/// One kind of command: what an agent must have for it, what proves it, and the message that carries it.
struct CommandKind: Sendable {
    /// What an agent must have.
    enum Requirement: Sendable, Equatable {
        case nothing
        case capability(AgentCapabilities, name: String)
        case custom(String)
        /// The custom capability named by the parameter `capability`.
        case customParameter
    }

    let name: String
    let description: String
    let requirement: Requirement
    let proof: CommandProof
    /// JSON Schema of the parameters.
    let schema: JSON

    static let all: [CommandKind] = [
        CommandKind(
            name: "restart", description: "Restart the agent on its present configuration.",
            requirement: .capability(.acceptsRestartCommand, name: "AcceptsRestartCommand"), proof: .startTime,
            schema: noParameters
        ),
        CommandKind(
            name: "resync", description: "Ask the agent to report its full state.", requirement: .nothing,
            proof: .fullReport, schema: noParameters
        ),
        CommandKind(
            name: "identify", description: "Give the agent a new instance uid.", requirement: .nothing,
            proof: .newUID, schema: noParameters
        ),
        CommandKind(
            name: "chatops",
            description: "Hand a record with this tag to the agent's local HTTP input. Success says that the agent "
                + "took the record, not that what it triggers is done.",
            requirement: .custom(CustomCapability.chatOps), proof: .reply,
            schema: [
                "type": "object", "additionalProperties": false, "required": ["tag"],
                "properties": [
                    "tag": ["type": "string", "minLength": 1],
                    "attributes": ["type": "object", "description": "the record"],
                ],
            ]
        ),
        CommandKind(
            name: "shutdown", description: "Stop the agent and its supervisor. It does not come back by itself.",
            requirement: .custom(CustomCapability.shutdown), proof: .goodbye, schema: noParameters
        ),
        CommandKind(
            name: "nullcommand", description: "Does nothing: a test of the way to the agent.",
            requirement: .custom(CustomCapability.null), proof: .reply, schema: noParameters
        ),
        CommandKind(
            name: "custom", description: "Any custom message of a capability that the agent declares.",
            requirement: .customParameter, proof: .reply,
            schema: [
                "type": "object", "additionalProperties": false, "required": ["capability", "type"],
                "properties": [
                    "capability": ["type": "string", "minLength": 1],
                    "type": ["type": "string", "minLength": 1],
                    "data": ["type": "string", "description": "sent as it is, UTF-8"],
                ],
            ]
        ),
    ]

    private static let noParameters: JSON = ["type": "object", "additionalProperties": false, "properties": [:]]

    /// - Throws: 400 with the names that exist.
    static func named(_ name: String) throws(Problem) -> CommandKind {
        if let kind = all.first(where: { $0.name == name }) { return kind }
        var problem = Problem(
            400, "Unknown command",
            detail: "there is no command \"\(name)\"; use one of the allowed names, or "
                + "\"custom\" with parameters capability, type and data"
        )
        (problem.field, problem.value, problem.allowed) = ("command", name, all.map(\.name))
        throw problem
    }

    /// The custom capability or OpAMP capability that an agent needs, by name; nil where any agent will do.
    func needed(_ parameters: [String: JSON]) -> String? {
        switch requirement {
        case .nothing: nil
        case .capability(_, let name): name
        case .custom(let name): name
        case .customParameter: parameters["capability"]?.string.map(CustomCapability.bare)
        }
    }

    /// Whether its message names the command id, so that an agent that remembers ids may get it again.
    var carriesID: Bool {
        if case .custom = requirement { true } else { false }
    }

    /// Whether an agent with these facts can take the command now.
    func isTaken(by facts: AgentFacts, _ parameters: [String: JSON]) -> Bool {
        switch requirement {
        case .nothing: true
        case .capability(let bit, _): facts.capabilities.contains(bit)
        case .custom(let name): facts.customCapabilities.contains(name)
        case .customParameter: needed(parameters).map { facts.customCapabilities.contains($0) } ?? true
        }
    }

    /// Checks parameters against the schema.
    ///
    /// - Throws: 400 that names the parameter, its value and what is allowed.
    func check(_ parameters: [String: JSON]) throws(Problem) {
        let properties = schema["properties"]?.object?.members ?? []
        let names = properties.map(\.key)
        if let unknown = parameters.keys.sorted().first(where: { !names.contains($0) }) {
            let known = names.isEmpty ? "it takes none" : "use: \(names.joined(separator: ", "))"
            throw wrong(unknown, parameters[unknown], "is not a parameter of \(name); \(known)", allowed: names)
        }
        let required = schema["required"]?.array?.compactMap(\.string) ?? []
        if let missing = required.first(where: { parameters[$0] == nil }) {
            throw wrong(missing, nil, "is missing: \(name) needs it", allowed: names)
        }
        for (key, rule) in properties {
            guard let value = parameters[key] else { continue }
            let fits =
                switch rule["type"]?.string {
                case "string": value.string.map { $0.utf8.count >= rule["minLength"]?.integer ?? 0 } ?? false
                case "object": value.object != nil
                default: true
                }
            guard fits else {
                let type = rule["type"]?.string ?? "value"
                throw wrong(key, value, "must be \(type == "object" ? "an object" : "a string that is not empty")")
            }
        }
    }

    private func wrong(_ key: String, _ value: JSON?, _ message: String, allowed: [String]? = nil) -> Problem {
        var problem = Problem(400, "Wrong parameter", detail: "parameters.\(key) \(message)")
        (problem.field, problem.value, problem.allowed) = ("parameters.\(key)", value.map(\.text), allowed)
        return problem
    }
}

extension CommandKind {
    /// Adds the command to a message. An OpAMP command excludes all else, so `message` must be bare then.
    ///
    /// - Parameter newUID: what an `identify` offers.
    func add(_ command: Command, newUID: InstanceUID?, to message: inout ServerToAgent) {
        switch name {
        case "restart": message.command = .with { $0.type = .restart }
        case "resync": message.flags |= ServerToAgentFlags.reportFullState.rawValue
        case "identify": message.agentIdentification.newInstanceUid = newUID?.data ?? Data()
        case "chatops":
            message.customMessage =
                CustomRequest.chatOps(
                    tag: command.parameters["tag"]?.string ?? "", attributes: command.parameters["attributes"],
                    commandID: command.id
                ).message
        case "shutdown": message.customMessage = CustomRequest.shutdown(commandID: command.id).message
        case "nullcommand": message.customMessage = CustomRequest.null(commandID: command.id).message
        default:
            message.customMessage = .with {
                $0.capability = CustomCapability.bare(command.parameters["capability"]?.string ?? "")
                $0.type = command.parameters["type"]?.string ?? ""
                $0.data = Data((command.parameters["data"]?.string ?? "").utf8)
            }
        }
    }
}

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
    /// What a file says of it; nil for the built-in ones.
    var definition: CommandDefinition?

    /// The command whose message is what the caller says.
    static let raw = "custom"

    static let identify = CommandKind(
        name: "identify", description: "Give the agent a new instance uid.", requirement: .nothing, proof: .newUID,
        schema: noParameters
    )

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
        identify,
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
            name: raw, description: "Any custom message of a capability that the agent declares.",
            requirement: .customParameter, proof: .reply,
            schema: [
                "type": "object", "additionalProperties": false, "required": ["capability", "type"],
                "properties": [
                    "capability": ["type": "string", "minLength": 1],
                    "type": ["type": "string", "minLength": 1],
                    "data": ["type": "string", "description": "sent as it is, UTF-8"],
                    "reply_type": [
                        "type": "string", "minLength": 1,
                        "description": "type of the message that says it is done, beside success",
                    ],
                    "failure_type": [
                        "type": "string", "minLength": 1,
                        "description": "type of the message that says it failed, beside failure",
                    ],
                ],
            ]
        ),
    ]

    private static let noParameters: JSON = ["type": "object", "additionalProperties": false, "properties": [:]]

    /// - Throws: 400 with the names that exist.
    static func named(_ name: String, among all: [CommandKind] = all) throws(Problem) -> CommandKind {
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
    /// - Returns: the parameters, with the defaults of those that are absent.
    /// - Throws: 400 that names the parameter, its value and what is allowed.
    @discardableResult
    func check(_ parameters: [String: JSON]) throws(Problem) -> [String: JSON] {
        let checked: ParameterSchema
        do { checked = try ParameterSchema(schema) } catch {
            preconditionFailure("the schema of \(name): \(error.path) \(error.reason)")
        }
        let whole = parameters.merging(checked.defaults(for: parameters)) { given, _ in given }
        do { try checked.check(whole.json) } catch {
            let place = error.path.isEmpty ? "parameters" : "parameters.\(error.path)"
            throw .refused(
                400, "Wrong parameter", field: place, value: error.value.map { $0.text.prefixUTF8(200) },
                "\(place) of \(name) \(error.reason)", allowed: error.allowed)
        }
        return whole
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

/// The commands that can be sent: the built-in ones, and those that files define.
struct CommandCatalogue: Sendable {
    private(set) var defined: [CommandKind] = []
    /// What is wrong with files that should define some.
    private(set) var errors: [DefinitionError] = []
    /// The custom capabilities that agents are told of.
    private(set) var customCapabilities = [CustomCapability.chatOps, CustomCapability.shutdown, CustomCapability.null]

    init() {}

    init(defined: [CommandKind], errors: [DefinitionError]) {
        (self.defined, self.errors) = (defined, errors)
        for case .custom(let name) in defined.map(\.requirement) where !customCapabilities.contains(name) {
            customCapabilities.append(name)
        }
    }

    var kinds: [CommandKind] { CommandKind.all + defined }

    /// - Throws: 400 with the names that exist.
    func named(_ name: String) throws(Problem) -> CommandKind { try CommandKind.named(name, among: kinds) }
}

import FleetAPI
import JSON
import OpAMP

/// What is asked for before it is known of which agent: makes the command for each one.
struct CommandOrder: RESTObject, Equatable {
    static let defaultExpiry = 300
    private static let defaultConfirm = 60

    /// The name of a kind of command.
    var command = ""
    var parameters: [String: JSON] = [:]
    var proof = CommandProof.nothing
    var expiresSeconds: Int?
    var confirmSeconds: Int?
    var requestedBy: String?
    var requestedFrom: String?
    /// Whether a known defect of the agent's supervisor does not matter.
    var acknowledgesDefect = false
    /// Of a command that a file defines.
    var message: AcceptedMessage?

    init() {}

    init(_ kind: CommandKind, _ parameters: [String: JSON], caller: Caller) {
        (command, self.parameters, proof) = (kind.name, parameters, kind.proof)
        (requestedBy, requestedFrom) = (caller.name, caller.address)
        message = kind.definition?.message(parameters)
        confirmSeconds = kind.definition?.confirmSeconds
    }

    mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("command", &command)
        try coder.field("parameters", &parameters)
        try coder.field("proof", &proof)
        try coder.field("expires_seconds", &expiresSeconds)
        try coder.field("confirm_seconds", &confirmSeconds)
        try coder.field("requested_by", &requestedBy)
        try coder.field("requested_from", &requestedFrom)
        try coder.field("acknowledges_defect", &acknowledgesDefect)
        try coder.field("message", &message)
    }

    /// Takes what a request says of times; what it leaves out stays.
    mutating func take(expiresSeconds: Int?, confirmSeconds: Int?) {
        self.expiresSeconds = expiresSeconds ?? self.expiresSeconds
        self.confirmSeconds = confirmSeconds ?? self.confirmSeconds
    }

    /// The command for one agent, to be queued: it may wait at least three intervals of that agent.
    func command(id: String, for record: AgentRecord, _ vitals: Vitals, at now: Moment) -> OpenCommand {
        var command = Command()
        command.id = id
        (command.command, command.parameters, command.proof) = (self.command, parameters, proof)
        command.instanceUID = record.uid.description
        command.host = record.facts.host?.text
        (command.requestedBy, command.requestedFrom) = (requestedBy, requestedFrom)
        command.queuedAt = now.wall
        let shortest = 3 * Int(vitals.expectedInterval.components.seconds)
        command.expiresAt = now.wall + .seconds(max(expiresSeconds ?? Self.defaultExpiry, shortest))
        command.confirmSeconds = confirmSeconds ?? Self.defaultConfirm
        var open = OpenCommand(command)
        open.message = message
        return open
    }
}

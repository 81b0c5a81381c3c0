import FoundationEssentials
import OpAMP

/// Messages of an agent that exists in a test alone.
struct TestAgent {
    var uid: [UInt8]
    private var sequence: UInt64 = 0

    init(_ number: UInt8) {
        uid = Array(repeating: number, count: 16)
    }

    /// The first message, with a host.
    func message(host: String) -> AgentToServer {
        var copy = self
        var message = copy.message()
        var name = KeyValue()
        name.key = "host.name"
        name.value.stringValue = host
        message.agentDescription.nonIdentifyingAttributes = [name]
        return message
    }

    /// The next message; the first reports everything.
    mutating func message() -> AgentToServer {
        var message = AgentToServer()
        message.instanceUid = .init(uid)
        message.sequenceNum = sequence
        message.capabilities = 1
        if sequence == 0 {
            var name = KeyValue()
            name.key = "service.name"
            name.value.stringValue = "test-agent"
            message.agentDescription.identifyingAttributes = [name]
        }
        sequence += 1
        return message
    }
}

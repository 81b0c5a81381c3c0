import JSON
import TestSupport
import Testing

@testable import FleetAPI

@Suite struct FieldsTests {
    @Test func `an object is read as it was written`() throws {
        for (_, subject) in sampleAgents {
            #expect(try Agent(json: subject.agent.json) == subject.agent)
        }
        var page = AgentPage()
        page.agents = sampleAgents.map(\.agent.agent)
        (page.total, page.matched, page.next, page.asOf) = (9, 4, "more", sampleNow)
        #expect(try AgentPage(json: JSON(parsing: page.json.text)) == page)

        var command = Command()
        (command.id, command.command, command.state, command.proof) = ("ab", "restart", .confirmed, .startTime)
        command.parameters = ["tag": "x", "attributes": ["n": 1]]
        command.sentAt = sampleNow
        #expect(try Command(json: JSON(parsing: command.json.text)) == command)

        var tree = ComponentHealthTree()
        tree.components = ["output:es.1": ComponentHealthTree()]
        #expect(try ComponentHealthTree(json: tree.json) == tree)
    }

    @Test func `absent members are not written, and are nil when read`() throws {
        var agent = Agent()
        agent.host = "web-17"
        #expect(agent.json["host"] == "web-17")
        #expect(agent.json.object?.members.contains { $0.key == "version" } == false)
        #expect(try Agent(json: ["host": nil, "status": nil]) == Agent())
    }

    @Test func `unknown members are passed over`() throws {
        #expect(try Agent(json: ["host": "web-17", "new_in_2031": [1]]).host == "web-17")
    }

    @Test func `only the members asked for are written`() {
        var agent = Agent()
        (agent.host, agent.type) = ("web-17", "fluentd")
        #expect(agent.written(only: ["host", "health", "nothing"]) == ["host": "web-17", "health": "unknown"])
        #expect(agent.written(only: []) == [:])
    }

    @Test func `the members can be listed`() {
        #expect(Agent.fieldNames.prefix(4) == ["instance_uid", "short_id", "status", "admission"])
        #expect(Set(Agent.fieldNames).count == Agent.fieldNames.count)
        #expect(
            CommandRequest.fieldNames == [
                "command", "parameters", "expires_seconds", "confirm_seconds", "acknowledge_known_defect",
            ])
    }

    @Test(arguments: [
        ("{}", "agents is missing"),
        ("[]", "the value is an array, not an object"),
        (#"{"agents":[],"total":1}"#, "matched is missing"),
        (#"{"agents":[],"total":0,"matched":0,"next":7}"#, "next is a number, not a string"),
        (#"{"agents":[],"total":null,"matched":0}"#, "total is null, not a whole number"),
        (#"{"agents":{},"total":1,"matched":1}"#, "agents is an object, not an array"),
        (#"{"agents":[{},{"host":1}],"total":1,"matched":1}"#, "agents.[1].host is a number, not a string"),
        (#"{"agents":[],"total":1.5,"matched":1}"#, "total is a number, not a whole number"),
        (
            #"{"agents":[{"labels":{"env":true}}],"total":1,"matched":1}"#,
            "agents.[0].labels.env is a boolean, not a string"
        ),
        (
            #"{"agents":[{"status":"online"}],"total":1,"matched":1}"#,
            #"agents.[0].status is "online", not one of: connected, disconnected, stale"#
        ),
        (
            #"{"agents":[{"last_seen":"today"}],"total":1,"matched":1}"#,
            #"agents.[0].last_seen is "today", not an RFC 3339 time such as 2026-11-23T10:00:00Z"#
        ),
    ])
    func `another shape is refused with the place`(text: String, message: String) throws {
        let json = try JSON(parsing: text)
        let error = try #require(throws: ShapeError.self) { _ = try AgentPage(json: json) }
        #expect(error.description == message)
    }

    @Test func `a number out of its bounds is refused with them`() throws {
        let error = try #require(throws: ShapeError.self) {
            _ = try CommandRequest(json: ["command": "restart", "expires_seconds": 0])
        }
        #expect(error.description == "expires_seconds must be 1 to 86400")
        #expect(error.value == "0")
        #expect(error.allowed == CommandRequest.expiresSecondsAllowed)
        #expect(try CommandRequest(json: ["command": "restart", "expires_seconds": 1]).expiresSeconds == 1)
        #expect(throws: ShapeError.self) { _ = try HeartbeatRequest(json: ["seconds": -1]) }
        #expect(try HeartbeatRequest(json: ["seconds": nil]).seconds.value == nil)
    }

    @Test func `a command is final unless it is under way`() {
        #expect(CommandState.allCases.filter { !$0.isFinal } == [.queued, .sent])
    }

    @Test func `a problem travels whole`() throws {
        var problem = Problem(409, "Already open", detail: "a restart is open")
        (problem.field, problem.value, problem.allowed) = ("command", "restart", ["identify"])
        (problem.commandID, problem.candidates) = ("ab", [sampleAgents[0].agent.agent])
        #expect(try Problem(json: JSON(parsing: problem.json.text)) == problem)
    }
}

import FleetAPI
import JSON
import MCP
import Testing

@testable import FleetTools

/// Commands for many agents, and withdrawing what has not been sent.
@Suite(.timeLimit(.minutes(5))) struct BulkTests {
    private static let id = SampleFleet.commandID
    private static let (command, bulk) = ("/api/v1/commands/\(id)", "/api/v1/operations/\(id)")

    private func operation(_ state: OperationState, exceptions: Int = 0) -> FleetOperation {
        var operation = FleetOperation()
        (operation.id, operation.state, operation.command) = (Self.id, state, "restart")
        (operation.filter, operation.targets) = ("type:fluentd version<1.17", 40)
        (operation.requestedBy, operation.requestedFrom) = ("ann", "10.0.0.9")
        (operation.startedAt, operation.asOf) = (SampleFleet.now + .seconds(-90), SampleFleet.now)
        operation.counts = ["confirmed": 30 - exceptions, "failed": exceptions, "sent": 3, "waiting": 7, "queued": 0]
        operation.exceptions = (0..<exceptions).map { number in
            var exception = FleetOperation.Exception()
            (exception.shortID, exception.host) = (SampleFleet.agent(number).shortID, SampleFleet.agent(number).host)
            (exception.state, exception.result) = ("failed", "no answer \(number)")
            return exception
        }
        return operation
    }

    private func unknown() -> Problem { Problem(404, "Not found", detail: "there is no command with this id") }

    @Test func `a bulk command is told by its id: counts, exceptions, who asked`() async {
        let provider = SampleProvider(replies: [
            "GET \(Self.command)": .json(unknown(), status: 404),
            "GET \(Self.bulk)": .json(operation(.running, exceptions: 7)),
        ])
        #expect(
            await provider.call("command_status", ["command_id": .string(Self.id)]).text == """
                running: restart for 40 agents for 90s; 23 confirmed, 7 failed, 3 sent, 7 waiting
                all: state=failed
                id\thost\tresult
                a1b2c3\tweb-0\tno answer 0
                3fea3c\tdb-1\tno answer 1
                de21b5\tedge-2\tno answer 2
                7c592e\tweb-3\tno answer 3
                1a90a7\tdb-4\tno answer 4
                … 2 more; command_status agent= tells of one
                asked 90s ago (2026-11-23T09:59:10Z) by ann from 10.0.0.9; filter type:fluentd version<1.17; \
                command_id=\(Self.id)
                """)
    }

    @Test func `the end of a bulk command is waited for when asked`() async {
        var done = operation(.stopped)
        (done.finishedAt, done.reason) = (SampleFleet.now + .seconds(-30), "3 failed")
        done.counts = ["confirmed": 30, "not_sent": 10]
        let provider = SampleProvider(replies: [
            "GET \(Self.command)": .json(unknown(), status: 404), "GET \(Self.bulk)": .json(operation(.running)),
            "GET \(Self.bulk)?wait_seconds=5": .json(done),
        ])
        let result = await provider.call("command_status", ["command_id": .string(Self.id), "wait_seconds": 5])
        #expect(
            result.text.hasPrefix("stopped: restart for 40 agents in 60s: 3 failed; 30 confirmed, 10 not sent\nasked "))
    }

    @Test func `a queued command is withdrawn, and one that is withdrawn already stays so`() async {
        let provider = SampleProvider(replies: [
            "GET \(Self.command)": .json(SampleFleet.command(.queued)),
            "DELETE \(Self.command)": .json(SampleFleet.command(.cancelled)),
        ])
        let id: JSON = ["command_id": .string(Self.id)]
        #expect(await provider.call("cancel_command", id) == ToolResult(SampleFleet.command(.cancelled).outcome))
        #expect(provider.paths == ["GET \(Self.command)", "DELETE \(Self.command)"])
        let again = SampleProvider(replies: ["GET \(Self.command)": .json(SampleFleet.command(.cancelled))])
        #expect(await again.call("cancel_command", id).text.hasPrefix("cancelled: "))
        #expect(again.paths == ["GET \(Self.command)"])
    }

    @Test func `what was sent is not withdrawn, and an unknown id is said`() async {
        let problem = Problem(
            409, "Not queued any more", detail: "the command is sent; only a queued one can be withdrawn")
        let provider = SampleProvider(replies: [
            "GET \(Self.command)": .json(SampleFleet.command(.sent)),
            "DELETE \(Self.command)": .json(problem, status: 409),
        ])
        let id: JSON = ["command_id": .string(Self.id)]
        #expect(
            await provider.call("cancel_command", id)
                == ToolResult("refused: the command is sent; only a queued one can be withdrawn", isError: true))
        #expect(
            await SampleProvider().call("cancel_command", id)
                == ToolResult(
                    "refused: no command and no bulk command has the id \(Self.id); copy command_id from the answer "
                        + "that queued it, or give agent instead", isError: true))
    }

    @Test func `of a bulk command the rest is withdrawn`() async {
        var ended = operation(.cancelled)
        ended.finishedAt = SampleFleet.now
        ended.counts = ["confirmed": 33, "not_sent": 7]
        let provider = SampleProvider(replies: [
            "GET \(Self.command)": .json(unknown(), status: 404), "GET \(Self.bulk)": .json(operation(.running)),
            "DELETE \(Self.bulk)": .json(ended),
        ])
        let result = await provider.call("cancel_command", ["command_id": .string(Self.id)])
        #expect(result == ToolResult("cancelled: restart for 40 agents in 90s; 33 confirmed, 7 not sent"))
    }
}

import FleetAPI
import Testing

@testable import FleetTools

@Suite struct CommandTextTests {
    @Test(arguments: [
        (
            CommandState.queued,
            "queued: restart of web-0 (a1b2c3); waits for its next report in 12s; expires in 4m; "
                + "outcome: command_status agent=a1b2c3"
        ),
        (
            .sent,
            "sent: restart of web-0 (a1b2c3) 3s ago, no proof yet; unconfirmed after 60s; "
                + "outcome: command_status agent=a1b2c3"
        ),
        (.confirmed, "confirmed: restart of web-0 (a1b2c3) in 1.2s: start time 08:00:40 → 10:00:31.250; healthy"),
        (.failed, "failed: restart of web-0 (a1b2c3) in 1.0s: no output takes the tag app.x"),
        (
            .unconfirmed,
            "unconfirmed: restart of web-0 (a1b2c3) was handed over, no proof came within 60s; it may have been done; "
                + "see get_agent agent=a1b2c3"
        ),
        (
            .expired,
            "expired: restart of web-0 (a1b2c3) was never handed over in 5m: the agent was stale; safe to repeat"
        ),
        (.cancelled, "cancelled: restart of web-0 (a1b2c3) before it was handed over: by local"),
    ])
    func `each state says what happened and what to do next`(state: CommandState, text: String) {
        #expect(SampleFleet.command(state).outcome == text)
    }

    @Test func `a queued command says why it waits`() {
        var command = SampleFleet.command(.queued)
        command.agentStatus = .disconnected
        #expect(
            command.outcome
                == "queued: restart of web-0 (a1b2c3); disconnected, last seen 4s ago: waits until it reports; "
                + "expires in 4m; outcome: command_status agent=a1b2c3")
        (command.agentStatus, command.nextReportSeconds) = (.connected, nil)
        #expect(
            command.outcome == "queued: restart of web-0 (a1b2c3); "
                + "waits to be handed over; expires in 4m; outcome: command_status agent=a1b2c3")
    }

    @Test func `a confirmed ChatOps command does not claim that the task is done`() {
        var command = SampleFleet.command(.confirmed, of: "chatops")
        (command.evidence, command.result, command.healthAfter) = ("reply", "http_code 201", nil)
        #expect(
            command.outcome == "confirmed: chatops to web-0 (a1b2c3) in 1.2s: reply; http_code 201; "
                + "the agent took the record, which does not say the task is done")
    }

    @Test func `a command without proof says that agents do not report`() {
        var command = SampleFleet.command(.unconfirmed, of: "nullcommand")
        command.proof = .nothing
        #expect(
            command.outcome
                == "unconfirmed: nullcommand to web-0 (a1b2c3) was handed over, agents report no outcome of it; "
                + "it may have been done; see get_agent agent=a1b2c3")
    }

    @Test func `the origin says who asked`() {
        #expect(
            SampleFleet.command(.sent).origin
                == "asked 10s ago (2026-11-23T10:00:30Z) by local from 127.0.0.1; command_id=3f9a51c07d2e4b688a10c4d5e6f70812"
        )
    }
}

import FleetAPI
import FleetClient
import MCP

/// Restarts agents on the configuration they have.
///
/// Confirmed once the agent reports another start time; queued or sent where that did not come in `wait_seconds`.
/// Spec: OpAMP, "ServerToAgentCommand Message".
let restartAgent = actingTool(
    "restart_agent", Action.access,
    "Restart an agent, or with filter many: the first call only plans, the second repeats it with plan and "
        + "expected_count. Confirmed means proven by a new start time.",
    .agentOfTwo, .writingFilter, .canary, .plan, .expectedCount,
    .flag("acknowledge_known_defect", "", default: false),
    .waitSeconds
) { acting, agent, filter, limit, plan, expectedCount, acknowledged, wait in
    let scope = try Scope(agent: agent, filter: filter, limit: limit, plan: plan, expectedCount: expectedCount)
    var request = CommandRequest(command: "restart")
    if acknowledged { request.acknowledgeKnownDefect = true }
    return try await acting.command(request, scope, waitSeconds: wait)
}

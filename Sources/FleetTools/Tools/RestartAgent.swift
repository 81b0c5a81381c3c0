import FleetAPI
import FleetClient
import MCP

/// Restarts one agent on the configuration it has.
///
/// Confirmed once the agent reports another start time; queued or sent where that did not come in `wait_seconds`.
/// Spec: OpAMP, "ServerToAgentCommand Message".
let restartAgent = fleetTool(
    "restart_agent", Action.access,
    "Restart one agent's process. Answers with the state: confirmed (proven by a new start time), sent, queued, failed or refused.",
    .agent, .waitSeconds
) { fleet, call, agent, wait in
    try await Action(client: fleet, call: call)
        .perform(CommandRequest(command: "restart"), on: agent, waitSeconds: wait)
}

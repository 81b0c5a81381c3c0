import FleetAPI
import FleetClient
import JSON
import MCP

/// Sends agents any command that `list_command_types` names.
///
/// A shutdown takes the plan step for one agent, too: nothing on our side can start it again.
let sendCommand = actingTool(
    "send_command", Action.access,
    "Send a command of list_command_types to an agent, or with filter to many: shutdown, identify, resync, "
        + "nullcommand, custom. Filters and shutdown plan first, as restart_agent.",
    .agentOfTwo, .writingFilter,
    .text("command", ""),
    .object("parameters", "custom: {capability, type, data}"),
    .canary, .plan, .expectedCount, .waitSeconds
) { acting, agent, filter, command, parameters, limit, plan, expectedCount, wait in
    let scope = try Scope(agent: agent, filter: filter, limit: limit, plan: plan, expectedCount: expectedCount)
    var request = CommandRequest(command: command)
    for (key, value) in parameters?.members ?? [] { request.parameters[key] = value }
    return try await acting.command(
        request, scope, isPlannedForOne: endsAgent(command, parameters), waitSeconds: wait)
}

/// Whether the command stops the agent for good, under whichever of its names.
private func endsAgent(_ command: String, _ parameters: JSON.Object?) -> Bool {
    ["shutdown", "shutdownagent"].contains(command.lowercased())
        || parameters?["capability"]?.string?.hasSuffix(".command_shutdown_agent") == true
}

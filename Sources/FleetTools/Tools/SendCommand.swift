import FleetAPI
import FleetClient
import JSON
import MCP

/// Sends one agent any command that `list_command_types` names.
///
/// A shutdown must be confirmed: nothing on our side can start the agent again.
let sendCommand = fleetTool(
    "send_command", Action.access,
    "Send one agent a command of list_command_types: shutdown, identify, resync, nullcommand, or custom.",
    .agent,
    .text("command", ""),
    .object("parameters", "custom: {capability, type, data}"),
    .flag("confirm", "needed for shutdown"),
    .waitSeconds
) { fleet, call, agent, command, parameters, confirm, wait in
    if endsAgent(command, parameters), !confirm {
        throw ToolFailure(
            "refused: shutdown ends \(clean(agent, limit: 80)), and nothing here can start it again",
            try: "if that is meant, repeat with confirm: true")
    }
    var request = CommandRequest(command: command)
    for (key, value) in parameters?.members ?? [] { request.parameters[key] = value }
    return try await Action(client: fleet, call: call).perform(request, on: agent, waitSeconds: wait)
}

/// Whether the command stops the agent for good, under whichever of its names.
private func endsAgent(_ command: String, _ parameters: JSON.Object?) -> Bool {
    ["shutdown", "shutdownagent"].contains(command.lowercased())
        || parameters?["capability"]?.string?.hasSuffix(".command_shutdown_agent") == true
}

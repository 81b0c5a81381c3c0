import FleetAPI
import FleetClient
import JSON
import MCP

/// Hands one agent a record for its ChatOps pipeline.
///
/// Confirmed once the agent answers that it took the record; what the pipeline then does is not reported.
let sendChatOpsCommand = fleetTool(
    "send_chatops_command", Action.access,
    "Send a ChatOps record to one agent's pipeline. Confirmed means the agent took it, not that the task is done.",
    .agent,
    .text("tag", "Fluent tag that routes the record"),
    .object("attributes", "the record, strings only"),
    .waitSeconds
) { fleet, call, agent, tag, attributes, wait in
    var parameters: [String: JSON] = ["tag": .string(tag)]
    if let attributes { parameters["attributes"] = .object(attributes) }
    return try await Action(client: fleet, call: call)
        .perform(CommandRequest(command: "chatops", parameters: parameters), on: agent, waitSeconds: wait)
}

import FleetAPI
import FleetClient
import JSON
import MCP

/// Hands agents a record for their ChatOps pipelines.
///
/// Confirmed once the agent answers that it took the record; what the pipeline then does is not reported.
let sendChatOpsCommand = actingTool(
    "send_chatops_command", Action.access,
    "Send a ChatOps record to the pipeline of an agent, or with filter of many (plan first, as restart_agent). "
        + "Confirmed means the agent took it, not that the task is done.",
    .agentOfTwo, .writingFilter,
    .text("tag", "routes the record"),
    .object("attributes", "the record, strings only"),
    .canary, .plan, .expectedCount, .waitSeconds
) { acting, agent, filter, tag, attributes, limit, plan, expectedCount, wait in
    let scope = try Scope(agent: agent, filter: filter, limit: limit, plan: plan, expectedCount: expectedCount)
    var parameters: [String: JSON] = ["tag": .string(tag)]
    if let attributes { parameters["attributes"] = .object(attributes) }
    return try await acting.command(
        CommandRequest(command: "chatops", parameters: parameters), scope, waitSeconds: wait)
}

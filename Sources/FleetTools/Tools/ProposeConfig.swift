import FleetAPI
import FleetClient
import JSON
import MCP

/// Changes one file of agents' configurations: the first call tells what would differ, the second offers it.
///
/// What is changed is what is desired of an agent, else what it runs on. The second call offers only where that is
/// still as it was, so that nobody's change in between is lost.
let proposeConfig = actingTool(
    "propose_config", Action.access,
    "Change a config file of an agent, or with filter of many: content replaces it, find/replace edits it (one hit, "
        + "unless all). The first call only shows the difference and a plan, the second repeats it with plan and "
        + "expected_count. Confirmed means applied.",
    .agentOfTwo, .writingFilter,
    .optionalText("file", "if there are several"),
    .optionalText("content", ""),
    .optionalText("find", ""),
    .optionalText("replace", ""),
    .flag("all", "", default: false),
    .canary, .plan, .expectedCount, .waitSeconds
) { acting, agent, filter, file, content, find, replace, all, limit, plan, expectedCount, wait in
    let scope = try Scope(agent: agent, filter: filter, limit: limit, plan: plan, expectedCount: expectedCount)
    var edit = ConfigEdit()
    (edit.file, edit.content, edit.find, edit.replace, edit.all) = (file, content, find, replace, all)
    guard (content == nil) != (find == nil) else {
        throw ToolFailure.refused(
            content == nil ? "content or find is missing" : "content and find exclude each other",
            try: "give the whole content, or find and replace")
    }
    guard content == nil || replace == nil && !all else {
        throw ToolFailure.refused("replace and all go with find, not with content")
    }
    var operation = OperationRequest()
    operation.command = "config"
    operation.config = Strict(edit)
    // One agent that is away gets it when it comes back, as with an offer to it alone.
    if scope.subject.isAgent { operation.expiresSeconds = ConfigRequest.defaultExpirySeconds }
    var arguments = scope.arguments
    for (name, value) in edit.json.object?.members ?? [] { arguments[name] = value }
    return try await acting.planned(operation, scope, arguments, waitSeconds: wait)
}

import FleetAPI
import FleetClient
import MCP

/// The configuration of one agent: what it is made of, its text, what holds a word, or what differs from another.
///
/// Contents come masked from the provider, and stand inside a fence: they are written by agents and people.
let getConfig = fleetTool(
    "get_config", .reads,
    "One agent's configuration: outline of sections and plugins, text, grep, or diff. Secrets are masked.",
    .agent,
    .choice("which", "last_good: newest offer it applied", of: ConfigChoice.names, default: "effective"),
    .optionalChoice("view", "default outline", of: ["outline", "full", "grep", "diff"]),
    .optionalText("pattern", "grep: text, * any, | or"),
    .optionalText("compare_with", "diff: effective, desired, last_good, revision:N or another agent"),
    .optionalText("lines", "full: 10-40")
) { fleet, _, agent, which, view, pattern, other, lines in
    let given = [
        ("grep", pattern != nil, "pattern"), ("diff", other != nil, "compare_with"), ("full", lines != nil, "lines"),
    ]
    // What is given says how to look, unless that is said.
    let view = view ?? given.first { $0.1 }?.0 ?? "outline"
    if let (meant, _, name) = given.first(where: { $0.1 && $0.0 != view }) {
        throw ToolFailure("get_config: \(name) goes with view=\(meant), got view=\(view)", try: "leave one of them out")
    }
    let choice = ConfigChoice(which) ?? .effective
    switch view {
    case "grep":
        guard let pattern else {
            throw ToolFailure("get_config: view=grep needs pattern", try: "for example pattern: \"host|port\"")
        }
        return try await fleet.shown(choice, of: agent).grep(pattern)
    case "diff":
        async let new = fleet.shown(choice, of: agent)
        let old = try await fleet.counterpart(other, of: choice, agent)
        return try await new.difference(from: old)
    case "full": return try await fleet.shown(choice, of: agent).full(lines)
    default: return try await fleet.shown(choice, of: agent).outline()
    }
}

extension FleetClient {
    /// What a configuration is compared with: another one of the same agent, or the same one of another agent.
    fileprivate func counterpart(_ other: String?, of choice: ConfigChoice, _ agent: String) async throws -> ShownConfig
    {
        guard let other else { return try await shown(choice == .effective ? .desired : .effective, of: agent) }
        if let choice = ConfigChoice(other) { return try await shown(choice, of: agent) }
        return try await shown(choice, of: other)
    }
}

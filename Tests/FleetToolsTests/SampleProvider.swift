import FleetAPI
import FleetClient
import JSON
import MCP
import TestSupport

@testable import FleetTools

/// A provider's REST API over the sample fleet, on a real socket, with answers that a test may replace by path.
struct SampleProvider: Sendable {
    let server: ScriptedServer

    /// - Parameter replies: by method and path, with its query or without, as `POST /api/v1/agents/x/commands`.
    init(_ fleet: [Agent] = SampleFleet.agents(50), replies: [String: ScriptedServer.Reply] = [:]) {
        server = ScriptedServer { request in
            let path = String(request.path.prefix { $0 != "?" })
            let query = String(request.path.dropFirst(path.count + 1))
            return replies["\(request.method) \(request.path)"] ?? replies["\(request.method) \(path)"]
                ?? Self.answer(path, query, fleet)
        }
    }

    func client(token: String? = nil, timeout: Duration = .seconds(10)) -> FleetClient {
        var address = ProviderAddress(url: server.url, token: token)
        address.timeout = timeout
        return FleetClient(address)
    }

    /// Calls one tool over a client of its own.
    func call(_ tool: String, _ arguments: JSON = [:], timeout: Duration = .seconds(10)) async -> ToolResult {
        await fleetServer(fleetTools, FleetSession(client(timeout: timeout))).callTool(tool, arguments: arguments)
    }

    /// The paths that were asked for, in the order they came.
    var paths: [String] { server.requests.map { "\($0.method) \($0.path)" } }

    private static func answer(_ path: String, _ query: String, _ fleet: [Agent]) -> ScriptedServer.Reply {
        let parameters = query.split(separator: "&").map(String.init)
        func value(_ name: String) -> String? {
            parameters.first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
        }
        switch path {
        case "/api/v1/fleet":
            let groups = value("group_by")?.split(separator: ",").map(String.init) ?? []
            let isSick = value("filter") == "health%3Aunhealthy"
            let agents = isSick ? fleet.filter { $0.health == .unhealthy } : fleet
            return .json(SampleFleet.summary(agents, total: fleet.count, groupBy: groups))
        case "/api/v1/agents":
            let limit = value("limit").flatMap { Int($0) } ?? 50
            let next = limit < fleet.count ? "eyJwIjoyMH0" : nil
            return .json(SampleFleet.page(Array(fleet.prefix(limit)), matched: fleet.count, next: next))
        default: return .json(Problem(404, "Not found", detail: "no agent matches \"nobody\""), status: 404)
        }
    }
}

extension ScriptedServer.Reply {
    static func json(_ answer: some RESTObject, status: Int = 200) -> Self {
        let type = status < 400 ? "application/json" : "application/problem+json"
        return .answer(status, headers: ["Content-Type": type], answer.json.text)
    }
}

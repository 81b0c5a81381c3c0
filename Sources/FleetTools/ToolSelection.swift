package import MCP

/// Which of the tools a client gets to see.
package struct ToolSelection: Sendable {
    package struct UnknownTool: Error, CustomStringConvertible {
        package let name: String
        package var description: String {
            "no tool is called \(name); tools: \(fleetTools.map(\.name).joined(separator: ", "))"
        }
    }

    /// Whether those that change something are left out.
    package var isReadOnly = false
    /// Only these; all when empty.
    package var only: [String] = []
    /// Never these, also where `only` names them.
    package var without: [String] = []

    package init() {}

    /// The tools in their usual order.
    package var tools: [Tool<FleetSession>] {
        get throws(UnknownTool) {
            for name in only + without where !fleetTools.contains(where: { $0.name == name }) {
                throw UnknownTool(name: name)
            }
            return fleetTools.filter { tool in
                (!isReadOnly || tool.access == .reads) && (only.isEmpty || only.contains(tool.name))
                    && !without.contains(tool.name)
            }
        }
    }
}

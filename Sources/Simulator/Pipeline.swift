/// What a simulated agent runs: the plugins that its health tree and its configuration name.
package struct Pipeline: Sendable, Equatable {
    package struct Component: Sendable, Equatable {
        package enum Stage: String, Sendable {
            case input, filter, output
        }

        package let stage: Stage
        /// The plugin's name, for example `tail`.
        package let plugin: String
        /// Counts the plugins of that name in their stage.
        package let number: Int
        /// What it reads, or where it sends: a path or `host:port`; empty for filters.
        package let target: String

        /// As the health tree names it, for example `output:es.1`.
        package var name: String { "\(stage.rawValue):\(plugin).\(number)" }
    }

    package let components: [Component]
    /// The folder for buffered data.
    package let storagePath: String
}

extension Pipeline {
    static func make(for type: AgentType, host: String, using random: inout SeededGenerator) -> Pipeline {
        let inputs = shuffledPrefix(type.inputs, 1...3, &random)
        let filters = shuffledPrefix(type.filters, 1...3, &random)
        let outputs = shuffledPrefix(type.outputs, 2...3, &random)
        var components = number(inputs, .input) + number(filters.map { ($0, "") }, .filter)
        components += number(
            outputs.map { ($0.0, "\($0.1)-\(Int.random(in: 1...9, using: &random)):\($0.2)") }, .output)
        return Pipeline(
            components: components,
            storagePath: "/var/lib/\(type.serviceName)/\(random.pick(["storage", "buffers", host]))"
        )
    }

    private static func shuffledPrefix<Element>(
        _ elements: [Element], _ count: ClosedRange<Int>, _ random: inout SeededGenerator
    ) -> [Element] {
        Array(elements.shuffled(using: &random).prefix(Int.random(in: count, using: &random)))
    }

    private static func number(_ plugins: [(String, String)], _ stage: Component.Stage) -> [Component] {
        var seen: [String: Int] = [:]
        return plugins.map { plugin, target in
            defer { seen[plugin, default: 0] += 1 }
            return Component(stage: stage, plugin: plugin, number: seen[plugin, default: 0], target: target)
        }
    }
}

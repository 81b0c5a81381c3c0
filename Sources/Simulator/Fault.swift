/// What is wrong with an unhealthy agent: one component and the text it reports.
package struct Fault: Sendable, Equatable {
    package let component: String
    /// Names the component, as a log line does, for example `output es.1: connection refused to es-prod-3:9200`.
    package let message: String

    static func make(for pipeline: Pipeline, using random: inout SeededGenerator) -> Fault {
        let component = random.pick(
            pipeline.components.filter { $0.stage != .filter }.map { ($0, weight: $0.stage == .output ? 4 : 1) }
        )
        let reason =
            component.stage == .output
            ? outputReason(for: component.target, in: pipeline, &random) : inputReason(for: component, &random)
        return Fault(
            component: component.name,
            message: "\(component.stage.rawValue) \(component.plugin).\(component.number): \(reason)"
        )
    }

    private static func outputReason(
        for target: String, in pipeline: Pipeline, _ random: inout SeededGenerator
    ) -> String {
        let count = Int.random(in: 3...60, using: &random)
        return random.pick([
            "connection refused to \(target)",
            "retry limit reached for chunk \(1000 + count)-\(count), \(count) records dropped",
            "TLS handshake with \(target) failed: certificate has expired",
            "buffer overlimit: \(count) chunks up, storage.max_chunks_up is reached",
            "no space left on device on storage.path \(pipeline.storagePath)",
            "HTTP status 429 from \(target), back-off for \(count) s",
        ])
    }

    private static func inputReason(for component: Pipeline.Component, _ random: inout SeededGenerator) -> String {
        let count = Int.random(in: 20...900, using: &random)
        return random.pick([
            "paused, mem_buf_limit reached",
            "\(count) parse errors in the last minute: invalid time format %d/%b/%Y",
            component.target.hasPrefix("/")
                ? "cannot open \(component.target): permission denied" : "\(count) records skipped: invalid JSON",
        ])
    }
}

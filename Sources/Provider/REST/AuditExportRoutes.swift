import FleetAPI
import HTTPTypes
import HummingbirdCore
import JSON
import NIOCore

extension Route {
    /// How many entries of an export are in memory at one time.
    private static let exportChunk = 500

    /// The whole audit, oldest first, each entry a line of JSON.
    static let auditExport = [
        Route(
            .get, "/api/v1/audit/export", "The audit as lines of JSON, the oldest entry first.",
            .moment("since", "only what happened since then"), .moment("until", "only what happened before"),
            for: .admin, answers: [.text("application/x-ndjson")], refusals: [507]
        ) { call, since, until in
            let store = call.fleet.store
            let (since, until) = (since ?? Timestamp(seconds: 0), until ?? Timestamp(nanoseconds: .max))
            try await call.doorkeeper.record("export_audit", "audit", detail: nil, by: call.caller)
            let body = ResponseBody { writer in
                var last: Int64 = 0
                while true {
                    let chunk = try await store.audit(after: last, from: since, before: until, limit: exportChunk)
                    var lines = ByteBuffer()
                    for (number, entry) in chunk {
                        lines.writeBytes(try entry.json(number).bytes(.sorted))
                        lines.writeString("\n")
                    }
                    if lines.readableBytes > 0 { try await writer.write(lines) }
                    guard chunk.count == exportChunk, let end = chunk.last else { break }
                    last = end.number
                }
                try await writer.finish(nil)
            }
            return Answer(fields: [.contentType: "application/x-ndjson", .cacheControl: "no-store"], body: body)
        }
    ]
}

extension AuditEntry {
    fileprivate func json(_ number: Int64) -> JSON {
        var object: JSON.Object = .init()
        object["number"] = .integer(Int(number))
        object["at"] = at.json
        for (name, text) in [
            ("by", by), ("from", from), ("action", action), ("target", target), ("outcome", outcome),
            ("detail", detail),
        ] {
            if let text { object[name] = .string(text) }
        }
        return .object(object)
    }
}

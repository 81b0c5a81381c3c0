import JSON

/// Whether a tool only looks or changes something, as clients decide whether to ask a person first.
///
/// It also decides about empty strings: a reading tool takes `""` for an absent argument, a changing one refuses it.
package enum Access: Sendable, Equatable {
    case reads
    /// - Parameters:
    ///   - destructive: what it replaces or ends may be lost.
    ///   - idempotent: doing it twice is the same as once.
    case changes(destructive: Bool, idempotent: Bool)

    /// All four hints, always: what is missing counts as the worst case.
    /// Spec: MCP 2025-11-25, schema "ToolAnnotations".
    var annotations: JSON {
        let (readOnly, destructive, idempotent) =
            switch self {
            case .reads: (true, false, true)
            case .changes(let destructive, let idempotent): (false, destructive, idempotent)
            }
        return [
            "destructiveHint": .bool(destructive), "idempotentHint": .bool(idempotent), "openWorldHint": false,
            "readOnlyHint": .bool(readOnly),
        ]
    }
}

import JSON

/// Which trace of the caller's a call belongs to.
///
/// Spec: W3C Trace Context, version 00; MCP 2026-07-28, basic "Request metadata".
package struct TraceContext: Sendable, Equatable {
    private static let stateLimit = 512

    package let parent: String
    package let state: String?

    /// - Returns: nil where there is none, or it is not what the specification allows: it is left out then.
    init?(_ meta: JSON.Object?) {
        guard let parent = meta?["traceparent"]?.string, Self.isParent(Array(parent.utf8)) else { return nil }
        self.parent = parent
        state = meta?["tracestate"]?.string.flatMap { state in
            let isSafe = state.utf8.allSatisfy { (0x20...0x7E).contains($0) }
            return isSafe && (1...Self.stateLimit).contains(state.utf8.count) ? state : nil
        }
    }

    /// The header fields that carry it on.
    package var headers: [(name: String, value: String)] {
        [("traceparent", parent)] + (state.map { [("tracestate", $0)] } ?? [])
    }

    /// `00-<32 hex digits>-<16>-<2>`, neither number only zeros; a later version may have more at its end.
    private static func isParent(_ bytes: [UInt8]) -> Bool {
        guard bytes.count == 55 || bytes.count > 55 && bytes[55] == UInt8(ascii: "-") && bytes.count <= 200 else {
            return false
        }
        let parts = bytes.prefix(55).split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.map(\.count) == [2, 32, 16, 2], parts.allSatisfy({ $0.allSatisfy(isLowerHex) }) else {
            return false
        }
        guard bytes.allSatisfy({ (0x21...0x7E).contains($0) }), !parts[0].elementsEqual("ff".utf8) else { return false }
        let isLater = !parts[0].elementsEqual("00".utf8)
        let isZero = { (part: ArraySlice<UInt8>) in part.allSatisfy { $0 == UInt8(ascii: "0") } }
        return (bytes.count == 55 || isLater) && !isZero(parts[1]) && !isZero(parts[2])
    }

    private static func isLowerHex(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}

/// Why a tool did not do what it was asked, in words for the model: a result, not a protocol error.
///
/// Spec: MCP 2025-11-25, server/tools "Error Handling".
package struct ToolFailure: Error, Equatable, CustomStringConvertible {
    private let what: String
    private let next: String?

    /// - Parameters:
    ///   - what: what was wrong, with the value.
    ///   - next: what to do instead.
    package init(_ what: String, try next: String? = nil) {
        self.what = what
        self.next = next
    }

    package var description: String {
        next.map { "\(what); \($0)" } ?? what
    }
}

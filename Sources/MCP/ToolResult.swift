/// What a tool call gave: the text for the model, and whether it tells of a failure.
package struct ToolResult: Sendable, Equatable {
    package let text: String
    package let isError: Bool

    package init(_ text: String, isError: Bool = false) {
        self.text = text
        self.isError = isError
    }
}

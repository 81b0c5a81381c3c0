/// What a tool call gave: the text for the model, and whether it tells of a failure.
package struct ToolResult: Sendable, Equatable {
    package let text: String
    package let isError: Bool
    /// What a person must answer before anything is done: the call ends, and is repeated with the answer.
    let question: Question?

    package init(_ text: String, isError: Bool = false) {
        (self.text, self.isError, question) = (text, isError, nil)
    }

    init(asking question: Question) {
        (text, isError, self.question) = (question.message, false, question)
    }
}

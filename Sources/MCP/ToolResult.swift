/// What a tool call gave: the text for the model, and whether it tells of a failure.
package struct ToolResult: Sendable, Equatable {
    /// Why a call ends before anything is done, where the protocol has more than words for it.
    enum Obstacle: Sendable, Equatable {
        /// A person must answer first: the call is repeated with the answer.
        case question(Question)
        /// The client cannot ask a person, and one must be asked.
        case cannotAsk
    }

    package let text: String
    package let isError: Bool
    let obstacle: Obstacle?

    package init(_ text: String, isError: Bool = false) {
        self.init(text, isError: isError, obstacle: nil)
    }

    init(_ text: String, isError: Bool, obstacle: Obstacle?) {
        (self.text, self.isError, self.obstacle) = (text, isError, obstacle)
    }
}

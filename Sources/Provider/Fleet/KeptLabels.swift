/// The labels of an agent that was forgotten: it has them again when it comes back in time.
struct KeptLabels: Sendable, Equatable {
    /// How long they are kept.
    static let time = Duration.seconds(90 * 86_400)

    let labels: [String: String]
    /// When the agent was forgotten.
    let since: Moment
}

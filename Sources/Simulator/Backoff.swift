/// How long to wait before each attempt to connect again: soon at first, then twice as long each time up to a limit,
/// always with jitter, so that a fleet does not come back in one moment.
struct Backoff {
    static let first = Duration.milliseconds(500)
    static let longest = Duration.seconds(30)

    private var attempts = 0
    private var random: SeededGenerator

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    /// Half to all of the current step.
    mutating func next() -> Duration {
        let step = min(Self.first * (1 << min(attempts, 10)), Self.longest)
        attempts += 1
        return step * .random(in: 0.5...1, using: &random)
    }

    /// The server has answered: the next failure starts from the beginning.
    mutating func reset() {
        attempts = 0
    }
}

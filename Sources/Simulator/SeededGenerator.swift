/// Random numbers that are the same for the same seed, on every machine. SplitMix64.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// - Parameter stream: another number gives an unrelated sequence for the same seed.
    package init(seed: UInt64, stream: UInt64 = 0) {
        var mixer = SeededGenerator(state: seed)
        state = mixer.next() ^ (stream &* 0xd134_2543_de82_ef95)
    }

    private init(state: UInt64) {
        self.state = state
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// One of the choices, each as likely as its weight says.
    ///
    /// - Precondition: there is a choice with a weight above 0.
    mutating func pick<Choice>(_ choices: [(Choice, weight: Int)]) -> Choice {
        var rest = Int.random(in: 0..<choices.map(\.weight).reduce(0, +), using: &self)
        for (choice, weight) in choices {
            if rest < weight { return choice }
            rest -= weight
        }
        preconditionFailure("the weights add up to more than their sum")
    }

    /// - Precondition: there is a choice.
    mutating func pick<Choice>(_ choices: [Choice]) -> Choice {
        choices[Int.random(in: choices.indices, using: &self)]
    }

    mutating func chance(percent: Double) -> Bool {
        Double.random(in: 0..<100, using: &self) < percent
    }
}

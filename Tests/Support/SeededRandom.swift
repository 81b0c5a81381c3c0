/// Random numbers that a failed test can repeat: the seed is printed, and `TEST_SEED` sets it.
package struct SeededRandom: RandomNumberGenerator {
    package let seed: UInt64
    private var state: UInt64

    package init(seed: UInt64 = .random(in: 1...UInt64(UInt32.max))) {
        let chosen = environment("TEST_SEED").flatMap { UInt64($0) } ?? seed
        print("seed \(chosen) (repeat with TEST_SEED=\(chosen))")
        self.seed = chosen
        state = chosen
    }

    /// Another row of numbers from the same seed, for somebody who draws at the same time.
    package mutating func fork() -> SeededRandom {
        var other = self
        other.state = next()
        return other
    }

    /// SplitMix64.
    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

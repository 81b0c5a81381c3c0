import FleetAPI
import Testing

@testable import FleetTools

@Suite struct AgeTests {
    @Test(arguments: [
        (-5, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (7_199, "119m"), (7_200, "2h"), (172_799, "47h"),
        (172_800, "2d"),
    ])
    func `an age has one unit`(seconds: Int, text: String) {
        #expect(age(.seconds(seconds)) == text)
    }

    @Test(arguments: [(0, "0.0s"), (1_249, "1.2s"), (9_999, "9.9s"), (10_000, "10s"), (-3, "0.0s")])
    func `a span has a tenth below ten seconds`(milliseconds: Int, text: String) {
        #expect(span(.milliseconds(milliseconds)) == text)
    }

    @Test(arguments: [
        ("at 2026-11-23T10:00:09Z", "at 10:00:09"), ("2026-11-23T10:00:09.123456789Z.", "10:00:09.123."),
        ("2026-11-22T10:00:09Z", "2026-11-22T10:00:09Z"), ("2026-11-23T", "2026-11-23T"),
        ("2026-11-23Tnot a time Z", "2026-11-23Tnot a time Z"), ("→", "→"),
    ])
    func `times of today are shown as a clock`(text: String, short: String) {
        #expect(shortTimes(text, asOf: SampleFleet.now) == short)
    }
}

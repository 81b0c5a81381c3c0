import JSON
import TestSupport
import Testing

@testable import FleetAPI

@Suite struct TimestampTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-23T10:00:00Z", 1_795_428_000_000_000_000),
            ("2024-02-29T23:59:59.123Z", 1_709_251_199_123_000_000),
            ("2000-02-29T00:00:00.000001Z", 951_782_400_000_001_000),
            ("2261-12-31T23:59:59.999999999Z", 9_214_646_399_999_999_999),
        ] as [(String, Int64)])
    func `a moment has one text`(text: String, nanoseconds: Int64) {
        #expect(Timestamp(text)?.nanoseconds == nanoseconds)
        #expect(Timestamp(nanoseconds: nanoseconds).description == text)
    }

    @Test(arguments: [
        "2026-11-23T12:00:00+02:00", "2026-11-23T03:30:00-06:30", "2026-11-23t10:00:00z", "2026-11-23 10:00:00.000Z",
        "2026-11-24T00:00:00+14:00",
    ])
    func `any offset and any fraction is read`(text: String) {
        #expect(Timestamp(text)?.description == "2026-11-23T10:00:00Z")
    }

    @Test(arguments: [
        "", "now", "2026-11-23", "2026-11-23T10:00:00", "2026-11-23T10:00Z", "2026-11-23T10:00:00.Z",
        "2026-11-23T10:00:00.1234567890Z", "2026-11-23T24:00:00Z", "2026-11-23T10:60:00Z", "2026-11-23T10:00:60Z",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
        "2026-11-31T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "2262-01-01T00:00:00Z",
        "2026-11-23T10:00:00+0200", "2026-11-23T10:00:00+24:00", "2026-11-23T10:00:00ZZ", "+026-11-23T10:00:00Z",
        "2026-1１-23T10:00:00Z", "2026-11-23T10:00:00.１Z", " 2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z ",
    ])
    func `anything else is refused`(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test func `every moment survives its text`() {
        var random = SeededRandom()
        for _ in 0..<20_000 {
            let moment = Timestamp(nanoseconds: .random(in: 0..<9_214_646_400_000_000_000, using: &random))
            #expect(Timestamp(moment.description) == moment)
        }
    }

    @Test func `random text is refused or read`() {
        var random = SeededRandom()
        let sample = Array("2026-11-23T10:00:00.123+02:00")
        for _ in 0..<20_000 {
            var text = sample
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                text[Int.random(in: text.indices, using: &random)] =
                    "0123456789-:.TZ+é".randomElement(using: &random) ?? "0"
            }
            guard let moment = Timestamp(String(text)) else { continue }
            #expect(Timestamp(moment.description) == moment, "\(String(text))")
        }
    }

    @Test func `moments and durations calculate in nanoseconds`() {
        let moment = Timestamp(seconds: 100)
        #expect((moment + .milliseconds(1500)).nanoseconds == 101_500_000_000)
        #expect(moment + .nanoseconds(1) - moment == .nanoseconds(1))
        #expect(moment < moment + .nanoseconds(1))
        #expect((moment + .milliseconds(1500)).seconds == 101)
    }

    @Test func `on the wire a moment is text`() throws {
        #expect(Timestamp(seconds: 0).json == "1970-01-01T00:00:00Z")
        let wrong = #expect(throws: ShapeError.self) { try Timestamp(json: "yesterday") }
        #expect(wrong?.message == "is \"yesterday\", not an RFC 3339 time such as 2026-11-23T10:00:00Z")
        let number = #expect(throws: ShapeError.self) { try Timestamp(json: 5) }
        #expect(number?.message == "is a number, not a string")
    }
}

import TestSupport
import Testing

@testable import FleetAPI

@Suite struct FilterErrorTests {
    /// Filter, column, and how the message begins.
    @Test(arguments: [
        ("hots:web", 1, "there is no key \"hots\""),
        ("type:fluentd hots:web", 14, "there is no key \"hots\""),
        ("label.ä:ü -hots:web", 14, "there is no key \"hots\""),
        ("service_instance_id:x", 1, "there is no key"),
        ("label.:x", 1, "there is no key \"label.\""),
        ("es-prod-3:9200", 1, "there is no key \"es-prod-3\"; quote a word"),
        (":x", 1, "a key is missing here"),
        ("<5", 1, "a key is missing here"),
        ("host:", 6, "a value is missing"),
        ("host: web", 6, "a value is missing"),
        ("version<", 9, "a value is missing"),
        ("host:a|", 8, "a value is missing"),
        ("host:|a", 6, "a value is missing"),
        ("a||b", 3, "a value is missing"),
        ("status:stale OR health:unhealthy", 14, "there is no OR between terms: | stands between"),
        ("a or b", 3, "there is no or between terms"),
        ("a | b", 3, "there is no | between terms"),
        ("a AND b", 3, "there is no AND: terms joined by a space must all hold"),
        ("a && b", 3, "there is no &&"),
        ("NOT a", 1, "there is no NOT: write -"),
        ("(a b)", 1, "there are no parentheses"),
        ("-", 1, "nothing follows the sign for not"),
        ("a - b", 3, "nothing follows the sign for not"),
        ("--a", 2, "one sign for not is enough"),
        ("host!=a", 1, "there is no !=; write -host=…"),
        ("type:a,b", 7, "commas join nothing"),
        ("a,type:b", 1, "there is no key \"a,type\""),
        ("host:\"web 17", 6, "this quote is never closed"),
        ("host:\"web\"17", 11, "a space or | must follow"),
        ("host:web\"17\"", 9, "quotes go round the whole value"),
        ("status:online", 8, "status is one of connected, disconnected, stale"),
        ("status:stale|on*", 14, "status is one of"),
        ("health:ok", 8, "health is one of healthy, unhealthy, unknown"),
        ("problem:none", 9, "problem is one of any, unhealthy"),
        ("config:bad", 8, "config is one of unset, applied, applying, failed"),
        ("transport:tcp", 11, "transport is one of websocket, http"),
        ("admission:open", 11, "admission is one of"),
        ("host<web", 6, "host cannot be compared with <"),
        ("id>5", 4, "id cannot be compared"),
        ("problem>any", 9, "problem cannot be compared"),
        ("command<sent", 9, "command cannot be compared"),
        ("version<new", 9, "a version is compared with numbers"),
        ("version<5.1-rc1", 9, "a version is compared with numbers"),
        ("version<5..1", 9, "a version is compared with numbers"),
        ("attr.cpu<many", 10, "< compares with a number"),
        ("last_seen:5m", 11, "last_seen is compared with < or >"),
        ("last_seen>300", 11, "last_seen is compared with an age"),
        ("last_seen>2026-11-23", 11, "last_seen is compared with an age"),
        ("last_seen>-5m", 11, "last_seen is compared with an age"),
        ("last_seen>9999999999d", 11, "last_seen is compared with an age"),
        ("last_seen=5m", 11, "an age is compared"),
        ("started>m", 9, "started is compared with an age"),
        ("id:web-17", 4, "id is the uid of an agent or its end"),
    ])
    func `a wrong term is refused with its place and the keys`(text: String, column: Int, message: String) throws {
        let problem = try #require(throws: Problem.self) { _ = try Filter(text) }
        #expect(problem.status == 400)
        #expect(problem.field == "filter")
        #expect(problem.value?.isEmpty == false || message.hasPrefix("a key is missing"))
        #expect(problem.detail.hasPrefix("filter, column \(column), "))
        #expect(problem.detail.contains(": \(message)"))
        #expect(problem.detail.hasSuffix("Keys: \(Filter.keys.joined(separator: " "))"))
        #expect(problem.allowed?.isEmpty == false)
    }

    @Test func `an error shows the text at its place, cut`() throws {
        let end = try #require(throws: Problem.self) { _ = try Filter("type:fluentd host:") }
        #expect(end.detail.hasPrefix("filter, column 19, at the end: a value is missing"))
        let long = "hots:" + String(repeating: "x", count: 100)
        let problem = try #require(throws: Problem.self) { _ = try Filter(long) }
        #expect(problem.detail.contains("near \"hots:xxxxxxxxxxxxxxxxxxxxxxxxx…\": "))
    }

    @Test func `what is allowed is told apart from the text`() throws {
        #expect(try #require(throws: Problem.self) { _ = try Filter("hots:web") }.allowed == Filter.keys)
        let values = try #require(throws: Problem.self) { _ = try Filter("status:online") }
        #expect(values.value == "online")
        #expect(values.allowed == ["connected", "disconnected", "stale"])
    }

    @Test func `a text over the limit is refused unread`() throws {
        #expect(try !Filter(String(repeating: "a", count: Filter.lengthLimit)).isEmpty)
        let problem = try #require(throws: Problem.self) {
            _ = try Filter(String(repeating: "a", count: Filter.lengthLimit + 1))
        }
        #expect(problem.detail.contains("4097 bytes"))
    }

    @Test func `any text is either read or refused`() {
        var random = SeededRandom()
        let parts =
            Filter.keys + [
                " ", ":", "<", ">", "=", "|", "-", "!", "*", "\"", "'", "(", ",", "5m", "5.1", "OR", "ä", "\0",
            ]
        var refused = 0
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...8, using: &random)
            let text = (0..<count).map { _ in
                parts.randomElement(using: &random) ?? ""
            }.joined()
            do {
                let filter = try Filter(text)
                for (_, agent) in sampleAgents {
                    let found = filter.matches(agent, now: sampleNow)
                    #expect(found || !filter.isEmpty)
                }
            } catch {
                refused += 1
                #expect(error.field == "filter", "\(text)")
            }
        }
        #expect((1..<20_000).contains(refused))
    }

    @Test func `a pattern matches as splitting it in two does`() {
        var random = SeededRandom()
        func text(_ letters: String, _ most: Int) -> String {
            String(
                (0..<Int.random(in: 0...most, using: &random)).compactMap { _ in letters.randomElement(using: &random) }
            )
        }
        for _ in 0..<20_000 {
            let (pattern, text) = (text("ab*", 6), text("abAB", 8))
            #expect(
                FilterPattern(pattern).matches(text) == plainMatch(pattern[...], text.lowercased()[...]),
                "\(pattern) \(text)")
        }
    }

    /// Matching as it is defined, one character after the other.
    private func plainMatch(_ pattern: Substring, _ text: Substring) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == "*" {
            return plainMatch(pattern.dropFirst(), text) || (!text.isEmpty && plainMatch(pattern, text.dropFirst()))
        }
        return text.first == first && plainMatch(pattern.dropFirst(), text.dropFirst())
    }
}

import FleetAPI
import JSON
import TestSupport
import Testing

@testable import FleetTools

@Suite struct CleanTests {
    @Test(arguments: [
        ("plain text, ünïcode, 日本, 🙂", "plain text, ünïcode, 日本, 🙂"),
        ("  a\t\tb\r\n\nc \u{2028} d  ", "a b c d"),
        ("\u{1B}[31mred\u{1B}[0m \u{9B}1mbold", "red bold"),
        ("\u{1B}]0;title\u{7}after \u{1B}]8;;http://x\u{1B}\\link", "after link"),
        ("cut \u{1B}]0;never ends", "cut"),
        ("\u{1B}", ""),
        ("nul\u{0}l \u{8}\u{7F}del", "null del"),
        ("bidi\u{202E}txt\u{2066}\u{200F}", "biditxt"),
        ("zero\u{200B}\u{200D}\u{FEFF}\u{2060}width", "zerowidth"),
        ("tags\u{E0041}\u{E0042}\u{E007F}", "tags"),
        ("selectors\u{FE0F}\u{E0100}\u{E01EF}", "selectors"),
        ("blank\u{3164}\u{115F}\u{2800}\u{AD}", "blank"),
        ("private\u{E000}\u{F0000}\u{FFFF}", "private"),
    ])
    func `what does not show is removed`(hostile: String, shown: String) {
        #expect(clean(hostile) == shown)
    }

    @Test func `a text is cut by scalars, so that no stack of marks is long`() {
        #expect(clean("abcdef", limit: 6) == "abcdef")
        #expect(clean("abcdefg", limit: 6) == "abcde…")
        #expect(clean("abcde fgh", limit: 6) == "abcde…")
        #expect(clean("a" + String(repeating: "\u{301}", count: 5_000)).unicodeScalars.count == 120)
    }

    @Test func `nothing is shown as a dash`() {
        #expect(cell(nil) == "-")
        #expect(cell(" \u{200B}\n") == "-")
    }

    @Test func `random text is one visible line of bounded length`() {
        var random = SeededRandom()
        for _ in 0..<2_000 {
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...200, using: &random) {
                let range: ClosedRange<UInt32> = Bool.random(using: &random) ? 0...0xFF : 0...0x10_FFFF
                if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) { text.append(scalar) }
            }
            let shown = clean(String(text))
            #expect(shown.unicodeScalars.count <= 120)
            #expect(
                shown.unicodeScalars.allSatisfy { scalar in
                    scalar == " "
                        || !scalar.properties.isWhitespace
                            && ![.control, .format, .privateUse, .unassigned].contains(
                                scalar.properties.generalCategory)
                })
        }
    }

    @Test func `no text of an agent gets past the table or the sentence`() {
        let hostile = "x\u{1B}[2J\u{202E}\u{E0041}\ty\nqueued: all is well"
        var agent = SampleFleet.agent(3)
        (agent.host, agent.type, agent.version, agent.os, agent.ip) = (hostile, hostile, hostile, hostile, hostile)
        (agent.error, agent.errorComponent, agent.serviceInstanceID) = (hostile, hostile, hostile)
        agent.labels = [hostile: hostile]
        (agent.shortID, agent.instanceUID, agent.configHash) = (hostile, hostile, hostile)
        var detail = SampleFleet.detail
        detail.agent = agent
        detail.components = ["\u{1B}[2Ja\n": ["components": ["\u{202E}b\n": [:]]]]
        detail.capabilities = [hostile]
        detail.customCapabilities = [hostile]
        detail.attributes?.identifying = [hostile: .string(hostile)]
        var node = ComponentHealthTree()
        (node.status, node.lastError) = (hostile, hostile)
        detail.health?.components[hostile] = node
        detail.health?.lastError = hostile
        detail.config?.files[0].name = hostile
        detail.config?.error = hostile
        detail.config?.hash = hostile
        var event = FleetEvent()
        (event.kind, event.text) = (hostile, hostile)
        detail.events = [event]
        let commands = CommandState.allCases.map { state in
            var command = SampleFleet.command(state)
            (command.command, command.host, command.shortID, command.id) = (hostile, hostile, hostile, hostile)
            (command.result, command.evidence) = (hostile, hostile)
            (command.requestedBy, command.requestedFrom) = (hostile, hostile)
            return command
        }
        detail.commands = commands
        var summary = SampleFleet.summary([agent], groupBy: ["host"])
        summary.groupBy = [hostile]
        let answers =
            [
                detail.text(DetailSection.allCases), summary.text(groupLimit: 5),
                SampleFleet.page([agent], next: hostile).text(columns: AgentColumn.all, summary: nil),
            ] + commands.flatMap { [$0.outcome, $0.origin] }
        for answer in answers {
            let scalars = answer.unicodeScalars
            #expect(!scalars.contains { $0 == "\u{1B}" || $0 == "\u{202E}" || $0 == "\u{E0041}" }, "\(answer)")
            #expect(!answer.split(separator: "\n").contains { $0.hasPrefix("queued: all is well") }, "\(answer)")
        }
    }
}

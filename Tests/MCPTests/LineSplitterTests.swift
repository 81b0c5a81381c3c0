import TestSupport
import Testing

@testable import MCP

@Suite struct LineSplitterTests {
    @Test func `lines come out the same however the bytes are cut`() {
        var random = SeededRandom()
        let text = Array("one\n\ntwo two\r\n0123456789012345678901\nlast".utf8)
        let long = Array("0123456789012345678901".utf8)
        let expected: [LineSplitter.Line] = [
            .whole(Array("one".utf8)), .whole([]), .whole(Array("two two\r".utf8)),
            .tooLong(beginning: Array(long.prefix(20)), end: long), .whole(Array("last".utf8)),
        ]
        for _ in 0..<200 {
            var splitter = LineSplitter(limit: 20)
            var lines: [LineSplitter.Line] = []
            var rest = text[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...rest.count, using: &random)
                lines += splitter.append(rest.prefix(count))
                rest = rest.dropFirst(count)
            }
            if let line = splitter.finish() { lines.append(line) }
            #expect(lines == expected)
        }
    }

    @Test func `a line at the limit is whole`() {
        var splitter = LineSplitter(limit: 3)
        #expect(
            splitter.append(Array("abc\nabcd\n".utf8)[...]) == [
                .whole(Array("abc".utf8)), .tooLong(beginning: Array("abc".utf8), end: Array("abcd".utf8)),
            ])
        #expect(splitter.finish() == nil)
    }
}

import TestSupport
import Testing

@testable import FleetTools

@Suite struct LineDiffTests {
    private func diff(_ old: String, _ new: String) -> [String] {
        let cut = { (text: String) in text.isEmpty ? [] : text.split(separator: "|") }
        return LineDiff(from: cut(old), to: cut(new)).hunks.flatMap { hunk in
            [hunk.head] + hunk.lines.map { "\($0.kind.rawValue)\($0.text)" }
        }
    }

    @Test func `a change is shown with two lines around it`() {
        #expect(diff("a|b|c|d|e|f|g", "a|b|c|D|e|f|g") == ["@@ -2,5 +2,5 @@", " b", " c", "-d", "+D", " e", " f"])
        #expect(diff("a|b", "a|b") == [])
        #expect(diff("", "a|b") == ["@@ -0,0 +1,2 @@", "+a", "+b"])
        #expect(diff("a", "") == ["@@ -1,1 +0,0 @@", "-a"])
    }

    @Test func `changes far apart are in hunks of their own`() {
        let lines = (1...12).map(String.init)
        var new = lines
        (new[1], new[10]) = ("x", "y")
        new.insert("z", at: 11)
        #expect(
            diff(lines.joined(separator: "|"), new.joined(separator: "|")) == [
                "@@ -1,4 +1,4 @@", " 1", "-2", "+x", " 3", " 4", "@@ -9,4 +9,5 @@", " 9", " 10", "-11", "+y", "+z",
                " 12",
            ])
    }

    @Test func `any two texts are turned into each other by their difference`() {
        var random = SeededRandom()
        for _ in 0..<300 {
            let text = { (count: Int) in (0..<count).map { _ in Substring("\(Int.random(in: 0...4, using: &random))") }
            }
            let (old, new) = (
                text(Int.random(in: 0...30, using: &random)), text(Int.random(in: 0...30, using: &random))
            )
            let diff = LineDiff(from: old, to: new)
            var (built, next) = ([Substring](), 0)
            for hunk in diff.hunks {
                let start = hunk.old.lowerBound - 1
                built += old[next..<start]
                #expect(hunk.new.lowerBound == built.count + 1)
                #expect(
                    hunk.lines.filter { $0.kind != .added }.map(\.text) == Array(old[start...].prefix(hunk.old.count)))
                built += hunk.lines.filter { $0.kind != .removed }.map(\.text)
                next = start + hunk.old.count
            }
            built += old[next...]
            #expect(built == new)
            #expect(diff.removed - diff.added == old.count - new.count)
        }
    }

    @Test func `texts that differ in too much are told as one replacement`() {
        let (old, new) = ((0..<1_500).map { Substring("a\($0)") }, (0..<1_500).map { Substring("b\($0)") })
        let diff = LineDiff(from: ["x"] + old + ["y"], to: ["x"] + new + ["y"])
        #expect(diff.isCoarse && diff.hunks.count == 1)
        #expect((diff.removed, diff.added) == (1_500, 1_500))
    }
}

/// What differs between two texts, line by line, as a unified difference.
struct LineDiff {
    /// A line of one or both texts, without its end.
    struct Line: Equatable {
        enum Kind: Character {
            case same = " "
            case removed = "-"
            case added = "+"
        }

        let kind: Kind
        let text: Substring
    }

    /// Lines that belong together, with what is around them.
    struct Hunk: Equatable {
        /// The number of the first line and how many there are, in the old text and in the new one.
        let old: Range<Int>
        let new: Range<Int>
        let lines: [Line]

        /// `@@ -12,3 +12,4 @@`
        var head: String { "@@ -\(place(old)) +\(place(new)) @@" }

        private func place(_ lines: Range<Int>) -> String {
            // A place without lines is the one before. Spec: POSIX diff, "Diff -u Output Format".
            lines.isEmpty ? "\(lines.lowerBound - 1),0" : "\(lines.lowerBound),\(lines.count)"
        }
    }

    /// How many lines are compared one by one, beginning and end that are the same not counted; above it the middle is
    /// told as one replacement.
    static let limit = 2_000

    let hunks: [Hunk]
    let removed: Int
    let added: Int
    /// Whether the texts differ in too much to be compared line by line.
    let isCoarse: Bool

    /// - Parameter context: how many lines that are the same are shown around what differs.
    init(from old: [Substring], to new: [Substring], context: Int = 2) {
        let start = zip(old, new).prefix { $0 == $1 }.count
        let rest = min(old.count, new.count) - start
        let end = zip(old.reversed(), new.reversed()).prefix(rest).prefix { $0 == $1 }.count
        let (oldMiddle, newMiddle) = (old[start..<(old.count - end)], new[start..<(new.count - end)])
        isCoarse = oldMiddle.count + newMiddle.count > Self.limit
        let middle =
            isCoarse
            ? oldMiddle.map { Line(kind: .removed, text: $0) } + newMiddle.map { Line(kind: .added, text: $0) }
            : Self.lines(Array(oldMiddle), Array(newMiddle))
        removed = middle.count { $0.kind == .removed }
        added = middle.count { $0.kind == .added }
        let same = { (lines: ArraySlice<Substring>) in lines.map { Line(kind: .same, text: $0) } }
        hunks = Self.hunks(same(old[..<start]) + middle + same(old[(old.count - end)...]), context: context)
    }

    private static func lines(_ old: [Substring], _ new: [Substring]) -> [Line] {
        var (removed, added): (Set<Int>, Set<Int>) = ([], [])
        for change in new.difference(from: old) {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): added.insert(offset)
            }
        }
        var lines: [Line] = []
        var (i, j) = (0, 0)
        while i < old.count || j < new.count {
            if i < old.count, removed.contains(i) {
                lines.append(Line(kind: .removed, text: old[i]))
                i += 1
            } else if j < new.count, added.contains(j) {
                lines.append(Line(kind: .added, text: new[j]))
                j += 1
            } else {
                lines.append(Line(kind: .same, text: old[i]))
                (i, j) = (i + 1, j + 1)
            }
        }
        return lines
    }

    private static func hunks(_ lines: [Line], context: Int) -> [Hunk] {
        let changed = lines.indices.filter { lines[$0].kind != .same }
        guard var first = changed.first else { return [] }
        var (ranges, last): ([Range<Int>], Int) = ([], first)
        for index in changed.dropFirst() {
            if index - last > 2 * context {
                ranges.append(first..<(last + 1))
                first = index
            }
            last = index
        }
        ranges.append(first..<(last + 1))
        var (hunks, next, old, new): ([Hunk], Int, Int, Int) = ([], 0, 1, 1)
        for range in ranges {
            let shown = max(0, range.lowerBound - context)..<min(lines.count, range.upperBound + context)
            (old, new) = (old + shown.lowerBound - next, new + shown.lowerBound - next)
            let part = Array(lines[shown])
            let (oldCount, newCount) = (part.count { $0.kind != .added }, part.count { $0.kind != .removed })
            hunks.append(Hunk(old: old..<(old + oldCount), new: new..<(new + newCount), lines: part))
            (old, new, next) = (old + oldCount, new + newCount, shown.upperBound)
        }
        return hunks
    }
}

import FleetAPI
import MCP

// The ways to look at a configuration.
extension ShownConfig {
    private static let (rowLimit, matchLimit, context) = (40, 40, 2)

    /// Sections with their plugins and lines, for each file.
    func outline() -> String {
        var lines = [headline]
        for file in files {
            if files.count > 1 { lines.append("\(file.label):") }
            let outline = ConfigOutline(file.lines)
            if !file.isText {
                lines.append("not text, so nothing of it can be shown")
            } else if outline.entries.isEmpty {
                lines.append("no sections are recognised in it; view=full or grep shows its lines")
            } else {
                lines.append(outline.counts)
                lines += outline.table(atMost: Self.rowLimit)
            }
        }
        if files.isEmpty { lines.append("it has no files") }
        return lines.joined(separator: "\n")
    }

    /// The text of one file, or some lines of it.
    ///
    /// - Parameter range: which lines, as `10-40`, `10-`, `12`, with `FILE:` before it where there are several files;
    ///   all when nil.
    func full(_ range: String?) throws(ToolFailure) -> String {
        let selection = try LineSelection(range, of: self)
        var fence = Fence(origin: agent)
        var rest: String?
        for (file, range) in selection.parts {
            let place = files.count > 1 ? "\(file.label), " : ""
            let what = file.lines.isEmpty ? (file.isText ? "empty" : "not text") : "of \(lineCount(file.lines.count))"
            if files.count > 1 || file.lines.isEmpty, !fence.add("\(place)\(what)", "") { break }
            guard !file.lines.isEmpty else { continue }
            guard let stop = range.first(where: { !fence.add("\($0):", file.lines[$0 - 1], isApart: true) }) else {
                continue
            }
            let name = files.count > 1 ? "\(clean(file.name, limit: 80)):" : ""
            rest =
                "… \(lineCount(range.upperBound - stop + 1)) more; go on with lines=\(name)\(stop)-, or search with pattern="
            break
        }
        return [headline, fence.text, rest].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    /// The lines that hold a pattern, with what is around them.
    ///
    /// - Parameter pattern: text in either case; `*` stands for any text, `|` parts alternatives.
    func grep(_ pattern: String) -> String {
        let patterns = pattern.split(separator: "|").map { FilterPattern("*\(trimmed($0))*") }
        let sought = "\"\(clean(pattern, limit: 80))\""
        let found = files.map { file in
            file.lines.indices.filter { index in
                let line = String(file.lines[index])
                return patterns.contains { $0.matches(line) }
            }
        }
        let count = found.map(\.count).reduce(0, +)
        let all = files.map(\.lines.count).reduce(0, +)
        guard count > 0 else {
            let isExpression = pattern.contains { "\\^$[](){}+?".contains($0) } || pattern.contains(".*")
            let hint = isExpression ? "; a pattern is plain text with * and |, no regular expression" : ""
            return "no line of \(all) in \(title) holds \(sought)\(hint); view=outline shows what there is"
        }
        var fence = Fence(origin: agent)
        var shown = 0
        for (file, matches) in zip(files, found) where !matches.isEmpty {
            shown += grep(file, matches, atMost: Self.matchLimit - shown, into: &fence)
        }
        var lines = ["\(count) of \(lineCount(all)) \(count == 1 ? "holds" : "hold") \(sought): \(title)", fence.text]
        if shown < count { lines.append("… \(count - shown) more lines hold it; narrow the pattern") }
        return lines.joined(separator: "\n")
    }

    /// - Returns: how many of the matches are shown.
    private func grep(_ file: File, _ matches: [Int], atMost limit: Int, into fence: inout Fence) -> Int {
        let outline = ConfigOutline(file.lines)
        let isMatch = Set(matches)
        var (shown, next) = (0, 0)
        for match in matches.prefix(max(0, limit)) {
            let start = max(next, match - Self.context)
            if start > next || next == 0 {
                let place = outline.section(at: match + 1).map { " in \($0)" } ?? ""
                guard fence.add("--\(files.count > 1 ? " \(file.label)" : "")\(place)", "") else { return shown }
            }
            for index in start..<min(file.lines.count, max(start, match + Self.context + 1)) {
                let mark = isMatch.contains(index) ? ":" : "-"
                guard fence.add("\(index + 1)\(mark)", file.lines[index], isApart: true) else { return shown }
                if isMatch.contains(index) { shown += 1 }
                next = index + 1
            }
        }
        return shown
    }

    /// What differs from another configuration: `-` is only there, `+` only here.
    func difference(from other: ShownConfig) -> String {
        let pairs = pairs(with: other)
        let diffs = pairs.map { LineDiff(from: $0.old?.lines ?? [], to: $0.new?.lines ?? []) }
        let (removed, added) = (diffs.map(\.removed).reduce(0, +), diffs.map(\.added).reduce(0, +))
        let against = other.agent == agent ? "\(other.what) config" : other.title
        let binary = pairs.filter { $0.old?.isText == false || $0.new?.isText == false }.compactMap { $0.new ?? $0.old }
        let note = binary.isEmpty ? "" : "; not compared, since it is not text: \(binary[0].label)"
        guard removed + added > 0 else {
            let caveat = hash == other.hash ? "" : "; their hashes differ, so something that is masked or not text may"
            return "no line differs between \(title) and \(against)\(caveat)\(note)"
        }
        var lines = ["\(title) against \(against): \(lineCount(removed)) only there (-), \(added) only here (+)\(note)"]
        if diffs.contains(where: \.isCoarse) { lines.append("too much differs to be compared line by line") }
        var fence = Fence(origin: other.agent == agent ? agent : "\(agent) and \(other.agent)")
        outer: for (pair, diff) in zip(pairs, diffs) where !diff.hunks.isEmpty {
            if pairs.count > 1, !fence.add("\((pair.new ?? pair.old)?.label ?? ""):", "") { break }
            for hunk in diff.hunks {
                guard fence.add(hunk.head, "") else { break outer }
                for line in hunk.lines {
                    guard fence.add(String(line.kind.rawValue), line.text) else { break outer }
                }
            }
        }
        lines.append(fence.text)
        if fence.isFull { lines.append("… the rest does not fit; see both with view=full and lines=") }
        return lines.joined(separator: "\n")
    }

    /// The files of both by their names; one file alone is compared with one file alone, whatever they are called.
    private func pairs(with other: ShownConfig) -> [(old: File?, new: File?)] {
        if files.count == 1, other.files.count == 1 { return [(other.files[0], files[0])] }
        let names = Set(files.map(\.name) + other.files.map(\.name)).sorted()
        return names.map { name in (other.files.first { $0.name == name }, files.first { $0.name == name }) }
    }
}

/// Some lines of some files.
struct LineSelection {
    let parts: [(file: ShownConfig.File, range: ClosedRange<Int>)]

    init(_ text: String?, of config: ShownConfig) throws(ToolFailure) {
        guard let text else {
            parts = config.files.map { ($0, 1...max(1, $0.lines.count)) }
            return
        }
        let colon = text.lastIndex(of: ":")
        let name = colon.map { String(text[..<$0]) }
        let file: ShownConfig.File
        if let name, let named = config.files.first(where: { $0.name == name }) {
            file = named
        } else if name == nil, config.files.count == 1 {
            file = config.files[0]
        } else {
            let names = config.files.prefix(5).map { "\(clean($0.name, limit: 80)) (\(lineCount($0.lines.count)))" }
            throw ToolFailure(
                "lines \(clean(text, limit: 80)) names no file of \(config.title)",
                try: "write FILE:10-40 with one of: \(names.joined(separator: ", "))")
        }
        let range = colon.map { text[text.index(after: $0)...] } ?? text[...]
        let ends = range.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map(trimmed)
        let last = file.lines.count
        guard let first = Int(ends[0].isEmpty && ends.count > 1 ? "1" : ends[0]), first > 0,
            let end = ends.count == 1 ? first : ends[1].isEmpty ? max(first, last) : Int(ends[1]), end >= first
        else {
            throw ToolFailure(
                "lines must be numbers from 1, got \(clean(text, limit: 80))", try: "for example 10-40, 10- or 12")
        }
        guard first <= last else {
            throw ToolFailure("lines begins at \(first), but \(file.label) has \(last)", try: "use lines 1-\(last)")
        }
        parts = [(file, first...min(end, last))]
    }
}

/// What changed between two texts, line by line, as `diff -U0` shows it: lines that stay are not shown, since they may
/// hold secrets of others. Of lines that changed, values with a telling name are masked.
func difference(from old: [UInt8], to new: [UInt8], path: String) -> String {
    let (before, after) = (lines(of: old), lines(of: new))
    var (removed, added): (Set<Int>, Set<Int>) = ([], [])
    for change in after.difference(from: before) {
        switch change {
        case .remove(let offset, _, _): removed.insert(offset)
        case .insert(let offset, _, _): added.insert(offset)
        }
    }
    var text = "--- \(path)\n+++ \(path)\n"
    var (i, j) = (0, 0)
    while i < before.count || j < after.count {
        let (from, to) = (i, j)
        while removed.contains(i) { i += 1 }
        while added.contains(j) { j += 1 }
        if from == i, to == j {
            (i, j) = (i + 1, j + 1)
            continue
        }
        text += "@@ -\(place(from, i - from)) +\(place(to, j - to)) @@\n"
        let (gone, come) = shortened(Array(before[from..<i]), Array(after[to..<j]))
        text += gone.map { "-\(shown($0, beside: come))\n" }.joined()
        text += come.map { "+\(shown($0, beside: gone))\n" }.joined()
    }
    return text
}

private func lines(of bytes: [UInt8]) -> [String] {
    var lines = bytes.split(separator: .newline, omittingEmptySubsequences: false).map {
        String(decoding: $0, as: UTF8.self)
    }
    if lines.last == "" { lines.removeLast() }
    return lines
}

/// The first line, from 1, and how many, as diff writes it.
private func place(_ start: Int, _ count: Int) -> String {
    count == 1 ? "\(start + 1)" : "\(count == 0 ? start : start + 1),\(count)"
}

/// Of a long line that changed only what differs: all the rest of the file may be on it.
private func shortened(_ gone: [String], _ come: [String]) -> ([String], [String]) {
    let limit = 160
    guard gone.count == 1, come.count == 1, max(gone[0].utf8.count, come[0].utf8.count) > limit else {
        return (gone, come)
    }
    let (old, new) = (Array(gone[0].unicodeScalars), Array(come[0].unicodeScalars))
    let start = zip(old, new).prefix { $0 == $1 }.count
    let end = zip(old[start...].reversed(), new[start...].reversed()).prefix { $0 == $1 }.count
    func middle(_ line: [Unicode.Scalar]) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: line[start..<(line.count - end)])
        return "…\(String(text))…"
    }
    return ([middle(old)], [middle(new)])
}

/// A line for a terminal; nothing of a neighbour's line that only gets or loses its comma.
private func shown(_ line: String, beside others: [String]) -> String {
    let isNeighbour = others.contains { $0 != line && withoutComma($0) == withoutComma(line) }
    return isNeighbour ? (withoutComma(line) == line[...] ? "…" : "…,") : shown(line)
}

private func withoutComma(_ line: String) -> Substring {
    let text = line.hasSuffix("\r") ? line.dropLast() : line[...]
    return text.hasSuffix(",") ? text.dropLast() : text
}

/// A line for a terminal: without control characters, and with secrets masked.
private func shown(_ line: String) -> String {
    let text = masked(line).unicodeScalars.filter {
        ($0.value >= 0x20 || $0 == "\t") && !(0x7F...0x9F).contains($0.value)
    }
    return String(String.UnicodeScalarView(text))
}

/// The text with quoted values masked whose name tells of a secret, and what follows `Bearer`.
func masked(_ text: String) -> String {
    let secret = [
        "token", "secret", "password", "passwd", "credential", "authorization", "key",
    ]
    var result = ""
    var (name, isValueDue) = ("", false)
    var rest = text[...]
    while let character = rest.first {
        if character == "\"" || character == "'" {
            let body = quoted(rest)
            let content = String(body.dropFirst())
            let isSecret = isValueDue && secret.contains { name.lowercased().includes($0) }
            result += isSecret ? "\(character)…" : withoutBearer(String(body))
            rest = rest[body.endIndex...]
            if let end = rest.popFirst() { result.append(end) }
            (name, isValueDue) = (content, false)
        } else if character == ":" || character == "=" {
            isValueDue = true
            result.append(rest.removeFirst())
        } else if character.isLetter || character.isNumber || character == "_" || character == "-" {
            let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }
            (name, isValueDue) = (String(word), false)
            result += word
            rest = rest[word.endIndex...]
        } else {
            if character != " ", character != "\t" { isValueDue = false }
            result.append(rest.removeFirst())
        }
    }
    return result
}

/// A text in quotes from its first one, without the last one.
private func quoted(_ text: Substring) -> Substring {
    var index = text.index(after: text.startIndex)
    while index < text.endIndex, text[index] != text[text.startIndex] {
        index = text.index(after: index)
        if index < text.endIndex, text[text.index(before: index)] == "\\", text[text.startIndex] == "\"" {
            index = text.index(after: index)
        }
    }
    return text[..<index]
}

private func withoutBearer(_ text: String) -> String {
    let words = text.split(separator: " " as Character, omittingEmptySubsequences: false)
    guard let index = words.firstIndex(where: { $0.lowercased().hasSuffix("bearer") }), index + 1 < words.count else {
        return text
    }
    return (words[...index] + ["…"]).joined(separator: " ")
}

extension String {
    /// Whether a text is part of it, byte by byte. The standard library's search would be one more library to load.
    func includes(_ part: String) -> Bool {
        let (whole, part) = (Array(utf8), Array(part.utf8))
        return whole.indices.contains { whole[$0...].starts(with: part) }
    }
}

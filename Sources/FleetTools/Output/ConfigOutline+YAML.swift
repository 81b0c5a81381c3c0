extension ConfigOutline {
    /// Lists below `pipeline` whose elements are told, and those at the top.
    private static let stages: Set = ["inputs", "filters", "outputs", "processors"]
    private static let lists: Set = [
        "includes", "parsers", "multiline_parsers", "customs", "plugins", "upstream_servers", "stream_processor",
    ]
    /// Maps at the top whose members are told, as the OpenTelemetry collector has them.
    private static let maps: Set = ["receivers", "processors", "exporters", "connectors", "extensions"]

    /// What is open at a place of the text: a key, or an element of a list.
    private struct Level {
        let indent: Int
        /// nil for an element of a list.
        let key: String?
        /// Where it is told.
        let entry: Int?
    }

    static func yaml(_ lines: [Substring]) -> [Entry] {
        var entries: [Entry] = []
        var hidden: Set<Int> = []
        var levels: [Level] = []
        for (index, line) in lines.enumerated() {
            var text = trimmed(line)
            if text.isEmpty || text.hasPrefix("#") || text == "---" { continue }
            var indent = line.prefix { $0 == " " || $0 == "\t" }.count
            while text == "-" || text.hasPrefix("- ") {
                // An element may stand as far left as the key of its list.
                while let last = levels.last, last.indent > indent || last.indent == indent && last.key == nil {
                    levels.removeLast()
                }
                let path = levels.compactMap(\.key)
                var place: Int?
                if isToldList(path) {
                    place = entries.count
                    if let top = levels.first?.entry { hidden.insert(top) }
                    entries.append(Entry(index + 1, singular(path.last ?? "")))
                }
                levels.append(Level(indent: indent, key: nil, entry: place))
                let rest = trimmed(text.dropFirst())
                indent += text.count - rest.count
                text = rest
                if let place, !text.isEmpty { entries[place].takeElement(text) }
            }
            guard let (key, value) = member(text) else { continue }
            while let last = levels.last, last.indent >= indent { levels.removeLast() }
            let path = levels.compactMap(\.key)
            if let place = levels.last?.entry { entries[place].take(key, value) }
            if key == "endpoint" || key == "url", let place = levels.last(where: { $0.entry != nil })?.entry,
                place != levels.last?.entry
            {
                entries[place].take(key, value)
            }
            var place: Int?
            if path.isEmpty {
                place = entries.count
                entries.append(Entry(index + 1, key))
            } else if path.count == 1 && maps.contains(path[0]) || path == ["service", "pipelines"] {
                place = entries.count
                if maps.contains(path[0]), let top = levels.first?.entry { hidden.insert(top) }
                entries.append(Entry(index + 1, path.count == 2 ? "pipeline" : singular(path[0]), plugin: key))
            }
            levels.append(Level(indent: indent, key: key, entry: place))
        }
        return entries.indices.filter { !hidden.contains($0) }.map { entries[$0] }
    }

    private static func isToldList(_ path: [String]) -> Bool {
        path.count == 2 && path[0] == "pipeline" && stages.contains(path[1])
            || path.count == 1 && lists.contains(path[0])
    }

    private static func singular(_ name: String) -> String {
        name.hasSuffix("s") ? String(name.dropLast()) : name
    }

    /// A key with its value, without quotes; nil for anything else.
    fileprivate static func member(_ text: Substring) -> (key: String, value: String)? {
        guard
            let colon = text.indices.first(where: { index in
                let next = text.index(after: index)
                return text[index] == ":" && (next == text.endIndex || text[next] == " ")
            })
        else { return nil }
        let value = trimmed(text[text.index(after: colon)...])
        return (unquoted(trimmed(text[..<colon])), unquoted(value))
    }

    fileprivate static func unquoted(_ text: Substring) -> String {
        guard let first = text.first, first == "'" || first == "\"", text.count > 1, text.last == first else {
            return String(text)
        }
        return String(text.dropFirst().dropLast())
    }
}

extension ConfigOutline.Entry {
    /// Takes what stands in the line of an element: a name, or its members in braces.
    fileprivate mutating func takeElement(_ text: Substring) {
        if text.hasPrefix("{"), text.hasSuffix("}") {
            for part in text.dropFirst().dropLast().split(separator: ",") {
                if let (key, value) = ConfigOutline.member(trimmed(part)) { take(key, value) }
            }
        } else if ConfigOutline.member(text) == nil {
            plugin = ConfigOutline.unquoted(text)
        }
    }
}

import FleetAPI

/// What a configuration is made of: its sections with their plugins, and where they begin.
///
/// Reads the formats of Fluent Bit and Fluentd, and YAML with pipelines as the OpenTelemetry collector has it. It is
/// no parser: what it does not understand it passes over.
struct ConfigOutline {
    struct Entry: Equatable {
        /// Counted from 1.
        let line: Int
        /// For example `output`, or `match app.**`.
        let section: String
        /// For example `tail`.
        var plugin = ""
        /// What tells where data comes from or goes to.
        var details: [String] = []

        init(_ line: Int, _ section: String, plugin: String = "") {
            (self.line, self.section, self.plugin) = (line, section, plugin)
        }

        /// Takes a key of the section if it is one that is told.
        mutating func take(_ key: String, _ value: String) {
            let key = key.lowercased()
            if key == "name" || key == "@type" { plugin = value }
            if Self.told.contains(key), !value.isEmpty { details.append("\(key)=\(value)") }
        }

        private static let told: Set = [
            "tag", "match", "match_regex", "path", "source", "listen", "bind", "host", "hostname", "port", "uri", "url",
            "endpoint", "index", "logstash_prefix", "topic", "topics", "brokers", "bucket", "region", "stream",
            "log_group_name", "alias", "systemd_filter", "receivers", "processors", "exporters",
        ]
    }

    let entries: [Entry]

    init(_ lines: [Substring]) {
        entries =
            switch Format(lines) {
            case .classic: Self.classic(lines)
            case .fluentd: Self.fluentd(lines)
            case .yaml: Self.yaml(lines)
            case nil: []
            }
    }

    /// The section that a line is in, as one says it: `output es`.
    func section(at line: Int) -> String? {
        entries.last { $0.line <= line }.map { clean("\($0.section) \($0.plugin)", limit: 60) }
    }

    /// How many sections there are of each kind, in the order of the text: `service, 3 inputs, 2 outputs`.
    var counts: String {
        var order: [String] = []
        var counts: [String: Int] = [:]
        for entry in entries {
            let kind = String(entry.section.split(separator: " ").first ?? "")
            if counts[kind] == nil { order.append(kind) }
            counts[kind, default: 0] += 1
        }
        let told = order.prefix(12).map { "\(counts[$0] ?? 0) \(clean($0, limit: 40))" }
        return (told + (order.count > 12 ? ["…"] : [])).joined(separator: ", ")
    }

    /// A run of sections of the same kind and plugin counts as one row from this length on.
    private static let foldedFrom = 3

    /// The sections as rows.
    func table(atMost limit: Int) -> [String] {
        var rows: [[String]] = []
        var index = 0
        while index < entries.count {
            let first = entries[index]
            let run = entries[index...].prefix { $0.section == first.section && $0.plugin == first.plugin }
            if run.count >= Self.foldedFrom, let last = run.last {
                rows.append(["\(first.line)-\(last.line)", first.section, "\(first.plugin) ×\(run.count)", ""])
                index += run.count
            } else {
                rows.append(["\(first.line)", first.section, first.plugin, first.details.joined(separator: " ")])
                index += 1
            }
        }
        let table = Table(
            columns: [("line", 16), ("section", 60), ("plugin", 60), ("detail", 120)].map {
                Table.Column(name: $0.0, limit: $0.1, isHoisted: false)
            },
            rows: Array(rows.prefix(limit)))
        let more =
            rows.count > limit ? ["… \(rows.count - limit) more rows; grep with pattern= or lines= shows them"] : []
        return table.lines + more
    }
}

extension ConfigOutline {
    private enum Format {
        case classic, fluentd, yaml

        /// nil where the text looks like none of them.
        init?(_ lines: [Substring]) {
            for line in lines {
                let text = trimmed(line)
                guard let first = text.first, first != "#", !text.hasPrefix("---"), first != "@" else { continue }
                if first == "<" {
                    self = .fluentd
                } else if first == "[" {
                    self = .classic
                } else if text.contains(":") {
                    self = .yaml
                } else {
                    return nil
                }
                return
            }
            return nil
        }
    }

    private static func classic(_ lines: [Substring]) -> [Entry] {
        var entries: [Entry] = []
        for (index, line) in lines.enumerated() {
            let text = trimmed(line)
            if text.isEmpty || text.hasPrefix("#") { continue }
            if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
                entries.append(Entry(index + 1, text[text.index(after: text.startIndex)..<end].lowercased()))
            } else if text.hasPrefix("@") {
                let (key, value) = keyAndValue(text)
                entries.append(Entry(index + 1, key.lowercased(), plugin: value))
            } else if !entries.isEmpty {
                let (key, value) = keyAndValue(text)
                entries[entries.count - 1].take(key, value)
            }
        }
        return entries
    }

    /// Directives that are told, alone or inside of others.
    private static let directives: Set = ["source", "match", "filter", "label", "worker", "system", "store"]

    private static func fluentd(_ lines: [Substring]) -> [Entry] {
        var entries: [Entry] = []
        // What is open, and its place among the entries where it is told.
        var open: [(name: String, entry: Int?)] = []
        for (index, line) in lines.enumerated() {
            let text = trimmed(line)
            if text.isEmpty || text.hasPrefix("#") { continue }
            if text.hasPrefix("</") {
                _ = open.popLast()
            } else if text.hasPrefix("<"), text.hasSuffix(">") {
                let (name, argument) = keyAndValue(text.dropFirst().dropLast())
                guard directives.contains(name) else {
                    // The servers of an output are where it sends to.
                    open.append((name, name == "server" ? open.last?.entry : nil))
                    continue
                }
                open.append((name, entries.count))
                entries.append(Entry(index + 1, argument.isEmpty ? name : "\(name) \(argument)"))
            } else {
                let (key, value) = keyAndValue(text)
                if let place = open.last?.entry {
                    entries[place].take(key, value)
                } else if open.isEmpty, key == "@include" {
                    entries.append(Entry(index + 1, key, plugin: value))
                }
            }
        }
        return entries
    }
}

func trimmed(_ line: Substring) -> Substring {
    let isSpace = { (character: Character) in character == " " || character == "\t" || character == "\r" }
    var text = line.drop(while: isSpace)
    while let last = text.last, isSpace(last) { text.removeLast() }
    return text
}

/// A key and what follows it after spaces.
private func keyAndValue(_ text: Substring) -> (String, String) {
    let key = text.prefix { $0 != " " && $0 != "\t" }
    return (String(key), String(trimmed(text[key.endIndex...])))
}

import FleetAPI

/// A configuration as it is shown: where it is from, and its files cut into lines. Secrets are masked already.
struct ShownConfig {
    struct File {
        /// As the agent named it; often empty where there is only one.
        let name: String
        let lines: [Substring]
        let bytes: Int
        let isText: Bool

        init(name: String, _ file: ConfigFile) {
            self.name = name
            isText = file.encoding != .base64
            bytes = file.bytes ?? file.content.utf8.count
            lines = isText ? cut(file.content) : []
        }

        /// The name in a sentence.
        var label: String { name.isEmpty ? "unnamed file" : clean(name, limit: 80) }
    }

    /// `web-17 (a1b2c3)`.
    let agent: String
    /// What it is of the agent: `effective`, `desired revision 3`, `revision 2`.
    let what: String
    /// What else is known of it: its hash, when it came.
    let facts: [String]
    let hash: String
    let files: [File]

    private let asOf: Timestamp

    init(
        agent: String, what: String, facts: [String], hash: String, files: [String: ConfigFile], asOf now: Timestamp
    ) {
        (self.agent, self.what, self.hash, asOf) = (agent, what, hash, now)
        self.facts = (hash.isEmpty ? [] : ["hash \(clean(String(hash.prefix(8))))"]) + facts
        self.files = files.sorted { $0.key < $1.key }.map { File(name: $0.key, $0.value) }
    }

    /// `web-17 (a1b2c3) effective config`
    var title: String { "\(agent) \(what) config" }

    /// The title with the files and what is known of them.
    var headline: String {
        let told = files.prefix(5).map { file in
            "\(file.label) \(file.isText ? "\(lineCount(file.lines.count)), " : "not text, ")\(file.bytes) B"
        }
        let more = files.count > 5 ? ["and \(files.count - 5) more files"] : []
        return "\(title): " + (told + more + facts).joined(separator: ", ") + "; \(clock(asOf))"
    }
}

/// `1 line`, `120 lines`.
func lineCount(_ count: Int) -> String { count == 1 ? "1 line" : "\(count) lines" }

/// The lines of a text without their ends; a line end at the end of the text begins no line.
private func cut(_ text: String) -> [Substring] {
    let bytes = text.utf8
    var lines: [Substring] = []
    var start = bytes.startIndex
    while start < bytes.endIndex {
        let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
        var line = bytes[start..<end]
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        lines.append(Substring(line))
        start = end < bytes.endIndex ? bytes.index(after: end) : end
    }
    return lines
}

import JSON

/// What becomes of the text of a client's file. Reads and writes nothing.
struct ConfigChange: Equatable {
    enum Outcome: String {
        case added, updated, removed, unchanged
        /// Nothing was there to be removed.
        case absent
    }

    let bytes: [UInt8]
    let outcome: Outcome
    /// What its reader should know, one sentence each.
    let notes: [String]

    /// Puts the entry of this program into a text, or takes it out.
    ///
    /// - Parameters:
    ///   - old: the file as it is; nothing where there is none.
    ///   - program: absolute path of this program.
    ///   - launch: nil to take the entry out.
    ///   - replaces: whether another server of that name gives way, and what the Python project's set-up left goes.
    /// - Throws: where the text cannot be read, or the name belongs to another server.
    init(
        _ old: [UInt8], format: Client.Format, name: String, program: String, launch: Launch?, replaces: Bool
    ) throws(ConfigRefusal) {
        let text = try ServerListText(old, format)
        let before = try text.servers
        let own = before.first { $0.name == name }
        let leftovers = before.filter { $0.isOfPythonProject && $0.name != name }
        let isOurs = own?.starts(program) ?? false
        var notes: [String] = []
        if let own, !isOurs, !replaces {
            let origin = own.isOfPythonProject ? "was left by the Python project's set-up" : "is another server"
            throw ConfigRefusal(
                "\(name) \(origin): it \(own.summary); give --replace to put this one in its place, or --name for another name"
            )
        }
        let names = leftovers.map { "\"\($0.name)\"" }.joined(separator: ", ")
        if !leftovers.isEmpty, !replaces {
            notes.append(
                "\(names), left by the Python project's set-up, is still there, and the client has both; --replace takes it out"
            )
        } else if !leftovers.isEmpty {
            notes.append("\(names), left by the Python project's set-up, is taken out")
        }
        if launch != nil, own?.environment["OPAMP_SERVER_TOKEN"] != nil {
            notes.append("a token stands in the env of this entry; write it to a private file, and give --token-file")
        }
        if launch != nil, isOurs, own?.isDisabled == true {
            notes.append("the client is told not to start it: it is disabled in the file")
        }

        var changed = text
        if replaces { for entry in leftovers { try changed.remove(entry.name) } }
        if let own, launch == nil || !isOurs { try changed.remove(own.name) }
        if let launch { try changed.set(name, to: launch) }

        let gone = replaces ? leftovers.map(\.name) : []
        let after = try changed.servers
        let isKept = before.filter { $0.name != name && !gone.contains($0.name) } == after.filter { $0.name != name }
        let new = after.first { $0.name == name }
        guard isKept, new?.command == launch?.program, launch == nil || new?.arguments == launch?.arguments else {
            throw ConfigRefusal("the entry does not come out as it is meant")
        }
        self.notes = notes
        if launch == nil {
            outcome = changed.bytes == text.bytes ? .absent : .removed
        } else {
            outcome = changed.bytes == text.bytes ? .unchanged : own == nil ? .added : .updated
        }
        bytes = outcome == .unchanged || outcome == .absent ? old : changed.bytes
    }
}

/// The text of a client's file, in whichever format.
private struct ServerListText {
    private enum Text {
        case json(JSONText, container: String, type: String?)
        case toml(TOMLText)
    }

    private var text: Text

    init(_ bytes: [UInt8], _ format: Client.Format) throws(ConfigRefusal) {
        switch format {
        case .json(let container, let type):
            let isEmpty = bytes.allSatisfy(\.isSpace)
            text = .json(try JSONText(isEmpty ? Array("{}\n".utf8) : bytes), container: container, type: type)
        case .toml: text = .toml(try TOMLText(bytes))
        case .yaml: throw ConfigRefusal("YAML is not changed")
        }
    }

    var bytes: [UInt8] {
        switch text {
        case .json(let text, _, _): text.bytes
        case .toml(let text): text.bytes
        }
    }

    var servers: [ServerEntry] {
        get throws(ConfigRefusal) {
            switch text {
            case .json(let text, let container, _): try text.servers(in: container)
            case .toml(let text): text.servers
            }
        }
    }

    mutating func remove(_ name: String) throws(ConfigRefusal) {
        switch text {
        case .json(let text, let container, _): try apply(try text.removing([container, name]))
        case .toml(let text): try apply(try text.removing(name))
        }
    }

    /// Members of an entry that are not ours stay as they are.
    mutating func set(_ name: String, to launch: Launch) throws(ConfigRefusal) {
        switch text {
        case .toml(let text): try apply(try text.setting(name, to: launch))
        case .json(let text, let container, let type):
            let members = launch.members(type: type)
            guard try text.servers(in: container).contains(where: { $0.name == name }) else {
                return try apply(try text.setting([container, name], to: .object(JSON.Object(members))))
            }
            for (key, value) in members {
                guard case .json(let text, _, _) = self.text else { return }
                try apply(try text.setting([container, name, key], to: value))
            }
        }
    }

    private mutating func apply(_ edits: [TextEdit]) throws(ConfigRefusal) {
        switch text {
        case .json(let old, let container, let type):
            text = .json(try JSONText(applying(edits, to: old.bytes)), container: container, type: type)
        case .toml(let old): text = .toml(try TOMLText(applying(edits, to: old.bytes)))
        }
    }
}

/// The servers that a client's file names.
///
/// - Throws: where the text cannot be read.
func servers(in bytes: [UInt8], _ format: Client.Format) throws(ConfigRefusal) -> [ServerEntry] {
    try ServerListText(bytes, format).servers
}

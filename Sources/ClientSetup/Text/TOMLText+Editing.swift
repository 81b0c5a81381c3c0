// One table of `mcp_servers` is changed; every other byte stays.
extension TOMLText {
    static let container = "mcp_servers"

    /// Has the table of a server start this program; keys of it that are not ours stay.
    ///
    /// - Returns: no edits where it does already.
    /// - Throws: where the server is written in a way that cannot be changed by itself.
    func setting(_ name: String, to launch: Launch) throws(ConfigRefusal) -> [TextEdit] {
        let end = lineEnd(of: bytes)
        guard let own = try table(name) else {
            let isLineOpen = bytes.last.map { $0 != .newline } ?? false
            let gap = bytes.isEmpty ? "" : end
            let block = launch.table(name).split(separator: "\n" as Character).map { $0 + end }.joined()
            return [TextEdit(bytes.count..<bytes.count, (isLineOpen ? end : "") + gap + block)]
        }
        var edits: [TextEdit] = []
        var place = statements[own].range.upperBound
        var missing: [String] = []
        for (key, value) in launch.keys {
            guard let (range, statement) = self.value(key, ofTable: own) else {
                missing.append("\(key) = \(value)")
                continue
            }
            place = max(place, statement.upperBound)
            let isSame =
                switch key {
                case "command": string(range) == launch.program
                case "args": strings(range) == launch.arguments
                // What somebody chose here is theirs.
                default: true
                }
            if !isSame { edits.append(TextEdit(range, value)) }
        }
        if !missing.isEmpty {
            let isOpen = place == bytes.count && bytes.last != .newline
            let lines = missing.map { (isOpen ? end : "") + $0 + (isOpen ? "" : end) }.joined()
            edits.append(TextEdit(place..<place, lines))
        }
        return edits
    }

    /// Takes the table of a server away, and the tables below it.
    func removing(_ name: String) throws(ConfigRefusal) -> [TextEdit] {
        _ = try table(name)
        var edits: [TextEdit] = []
        for (index, statement) in statements.enumerated() {
            guard case .table(let path, _) = statement.kind, path.starts(with: [Self.container, name]) else { continue }
            let body = self.body(ofTable: index)
            // Comments above the next table are that one's.
            let last = body.last { if case .value = statements[$0].kind { true } else { false } } ?? index
            var range = statement.range.lowerBound..<statements[last].range.upperBound
            let isFollowed = last + 1 < statements.count && statements[last + 1].kind != .empty(isBlank: true)
            let isBlankBefore = index > 0 && statements[index - 1].kind == .empty(isBlank: true)
            if isBlankBefore, !isFollowed { range = statements[index - 1].range.lowerBound..<range.upperBound }
            edits.append(TextEdit(range))
        }
        return edits
    }

    /// The servers of the text, as far as they have tables of their own.
    var servers: [ServerEntry] {
        var found: [ServerEntry] = []
        for (index, statement) in statements.enumerated() {
            guard case .table(let path, false) = statement.kind, path.count >= 2, path[0] == Self.container else {
                continue
            }
            let place = found.firstIndex { $0.name == path[1] } ?? found.count
            if place == found.count { found.append(ServerEntry(name: path[1])) }
            for body in body(ofTable: index) {
                guard case .value(let key, let range) = statements[body].kind else { continue }
                switch Array(path.dropFirst(2)) + key {
                case ["command"]: found[place].command = string(range)
                case ["args"]: found[place].arguments = strings(range)
                case ["url"]: found[place].address = string(range)
                case ["env"]: found[place].environment = stringMembers(range)
                case ["enabled"]: found[place].isDisabled = Array("false".utf8) == Array(bytes[range])
                case let path where path.count == 2 && path[0] == "env":
                    found[place].environment[path[1]] = string(range)
                default: break
                }
            }
        }
        return found
    }

    /// The table of a server.
    ///
    /// - Throws: where it is no table of its own, or is there twice.
    private func table(_ name: String) throws(ConfigRefusal) -> Int? {
        func refusal(_ what: String, _ statement: Statement) -> ConfigRefusal {
            ConfigRefusal(what, at: statement.range.lowerBound, in: bytes)
        }
        var (found, current): (Int?, [String]) = (nil, [])
        for (index, statement) in statements.enumerated() {
            switch statement.kind {
            case .empty: break
            case .table(let path, let isElement):
                current = path
                if isElement, path.first == Self.container, path.count == 1 || path[1] == name {
                    throw refusal("\(Self.container) is an array of tables here", statement)
                }
                guard path == [Self.container, name] else { continue }
                guard found == nil else { throw refusal("\(Self.container).\(name) is there twice", statement) }
                found = index
            case .value(let key, _):
                let path = current + key
                guard path.first == Self.container, current.count < 2, path.count == 1 || path[1] == name else {
                    continue
                }
                throw refusal("\(path.joined(separator: ".")) is not written as a table of its own", statement)
            }
        }
        return found
    }

    /// The statements of a table, without its header.
    private func body(ofTable index: Int) -> Range<Int> {
        let end = statements[(index + 1)...].firstIndex { if case .table = $0.kind { true } else { false } }
        return (index + 1)..<(end ?? statements.count)
    }

    private func value(_ key: String, ofTable index: Int) -> (value: Range<Int>, statement: Range<Int>)? {
        for body in body(ofTable: index) {
            if case .value([key], let range) = statements[body].kind { return (range, statements[body].range) }
        }
        return nil
    }
}

import JSON

// Changes of one member; what is around it keeps its bytes, and its layout is taken over.
extension JSONText {
    /// Sets a member at a path of names, making the objects on the way that are not there.
    ///
    /// - Returns: no edits where the value is there already, however it is written.
    /// - Throws: where something on the way is no object, or a name is there twice.
    func setting(_ path: [String], to value: JSON) throws(ConfigRefusal) -> [TextEdit] {
        var object = root
        for (index, name) in path.enumerated() {
            guard let member = try member(name, of: object) else {
                let nested = path[(index + 1)...].reversed().reduce(value) { .object(JSON.Object([($1, $0)])) }
                return inserting(name, nested, into: object)
            }
            if index == path.count - 1 {
                if json(member.value) == value { return [] }
                let layout = layout(of: object)
                return [TextEdit(member.value, layout.text(value, indent: layout.indent))]
            }
            object = try self.object(of: member)
        }
        return []
    }

    /// Takes a member away, with its comma. Comments stay.
    ///
    /// - Returns: no edits where it is not there.
    func removing(_ path: [String]) throws(ConfigRefusal) -> [TextEdit] {
        var object = root
        for (index, name) in path.enumerated() {
            guard let member = try member(name, of: object) else { return [] }
            if index == path.count - 1 { return removing(member, from: object) }
            object = try self.object(of: member)
        }
        return []
    }

    /// How the members of an object are laid out.
    private struct Layout {
        /// Before a member on a line of its own; nil where all stand on one line.
        let indent: String?
        /// Before the closing bracket.
        let outerIndent: String
        let unit: String
        let lineEnd: String

        /// - Parameter indent: of the line where the value begins; nil for one line.
        func text(_ value: JSON, indent: String?) -> String {
            // Texts, lists and objects of them can always be written.
            guard let indent else { return String(decoding: (try? value.bytes(.ordered)) ?? [], as: UTF8.self) }
            let text = String(decoding: (try? value.bytes(.pretty)) ?? [], as: UTF8.self)
            let lines = text.split(separator: "\n" as Character).enumerated().map { (number, line) -> String in
                let depth = line.prefix { $0 == " " }.count / 2
                let start = (number == 0 ? "" : indent) + String(repeating: unit, count: depth)
                return start + String(line.drop { $0 == " " })
            }
            return lines.joined(separator: lineEnd)
        }

        func member(_ name: String, _ value: JSON) -> String {
            "\(JSON.string(name).text):\(indent == nil ? "" : " ")\(text(value, indent: indent))"
        }
    }

    private func layout(of object: Object) -> Layout {
        let outer = indent(at: object.open)
        let unit = self.unit
        var indent: String? = outer + unit
        if let first = object.members.first {
            if !bytes[object.open..<first.nameRange.lowerBound].contains(.newline) {
                indent = nil
            } else if let own = indentIfFirst(at: first.nameRange.lowerBound) {
                indent = own
            }
        } else if !root.members.isEmpty, !bytes[root.open..<root.close].contains(.newline) {
            indent = nil
        }
        return Layout(indent: indent, outerIndent: outer, unit: unit, lineEnd: lineEnd(of: bytes))
    }

    /// One level of the text: how its first member is indented, or two spaces.
    private var unit: String {
        let own = root.members.first.flatMap { indentIfFirst(at: $0.nameRange.lowerBound) } ?? ""
        let outer = indent(at: root.open)
        return own.count > outer.count ? String(own.dropFirst(outer.count)) : "  "
    }

    /// The blanks that the line of a place begins with.
    private func indent(at place: Int) -> String {
        let start = bytes[..<place].lastIndex(of: .newline).map { $0 + 1 } ?? 0
        return String(decoding: bytes[start..<place].prefix { $0.isBlank }, as: UTF8.self)
    }

    /// The same, if there is nothing else before the place.
    private func indentIfFirst(at place: Int) -> String? {
        let start = bytes[..<place].lastIndex(of: .newline).map { $0 + 1 } ?? 0
        guard bytes[start..<place].allSatisfy(\.isBlank) else { return nil }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    private func inserting(_ name: String, _ value: JSON, into object: Object) -> [TextEdit] {
        let layout = layout(of: object)
        let member = layout.member(name, value)
        let lineStart = layout.indent.map { layout.lineEnd + $0 }
        guard let last = object.members.last else {
            let inner = (object.open + 1)..<object.close
            let end = layout.indent == nil ? "" : layout.lineEnd + layout.outerIndent
            if bytes[inner].allSatisfy(\.isSpace) { return [TextEdit(inner, (lineStart ?? "") + member + end)] }
            // Behind a comment, whose line may have to end first.
            let place = bytes[inner].lastIndex { !$0.isSpace }.map { $0 + 1 } ?? inner.lowerBound
            let rest = bytes[place..<object.close].contains(.newline) ? "" : layout.lineEnd + layout.outerIndent
            return [TextEdit(place..<place, layout.lineEnd + (layout.indent ?? layout.outerIndent) + member + rest)]
        }
        let after = last.comma.map { $0 + 1 } ?? last.value.upperBound
        let comma = last.comma == nil ? [TextEdit(after..<after, ",")] : []
        let end = last.comma == nil ? "" : ","
        guard let lineStart else {
            let space = bytes[object.open..<after].contains(0x20) ? " " : ""
            return comma + [TextEdit(after..<after, space + member + end)]
        }
        let place = endOfLine(after: after) ?? after
        return comma + [TextEdit(place..<place, lineStart + member + end)]
    }

    /// Where the line ends, if nothing but blanks and comments stands in the rest of it.
    private func endOfLine(after place: Int) -> Int? {
        var scanner = Scanner(bytes: bytes, position: place)
        while let byte = scanner.next {
            if byte == .newline || byte == 0x0D { return scanner.position }
            if byte.isBlank {
                scanner.position += 1
            } else if byte != UInt8(ascii: "/") || (try? scanner.skipComment()) == nil {
                return nil
            }
        }
        return nil
    }

    private func removing(_ member: Member, from object: Object) -> [TextEdit] {
        var edits: [TextEdit] = []
        var (start, end) = (member.nameRange.lowerBound, member.value.upperBound)
        if let comma = member.comma {
            if bytes[end..<comma].allSatisfy(\.isBlank) {
                end = comma + 1
            } else {
                edits.append(TextEdit(comma..<(comma + 1)))
            }
        } else if let before = object.members.last(where: { $0.value.upperBound <= start })?.comma {
            if bytes[(before + 1)..<start].allSatisfy(\.isBlank) {
                start = before
            } else {
                edits.append(TextEdit(before..<(before + 1)))
            }
        }
        if object.members.count == 1, bytes[(object.open + 1)..<start].allSatisfy(\.isSpace),
            bytes[end..<object.close].allSatisfy(\.isSpace)
        {
            return [TextEdit((object.open + 1)..<object.close)]
        }
        let blanksAfter = bytes[end...].prefix { $0.isBlank }.count
        let next = end + blanksAfter
        if indentIfFirst(at: start) != nil {
            let line = start - bytes[..<start].reversed().prefix { $0.isBlank }.count
            if let ending = lineEndLength(at: next) {
                (start, end) = (line, next + ending)
            } else if next == object.close, line > 0 {
                start = line - (line > 1 && bytes[line - 2] == 0x0D ? 2 : 1)
            }
        } else if next < object.close, member.comma != nil {
            end = next
        } else if next == object.close {
            start -= bytes[..<start].reversed().prefix { $0.isBlank }.count
        }
        return edits + [TextEdit(start..<end)]
    }

    /// How many bytes the end of a line takes that is here; nil where none is.
    private func lineEndLength(at place: Int) -> Int? {
        if place < bytes.count, bytes[place] == .newline { return 1 }
        if place + 1 < bytes.count, bytes[place] == 0x0D, bytes[place + 1] == .newline { return 2 }
        return nil
    }
}

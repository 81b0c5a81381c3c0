import JSON

/// Text for spreadsheets. Spec: RFC 4180.
enum CSV {
    /// One line with its end.
    static func line(_ cells: some Sequence<String>) -> String {
        cells.map(cell).joined(separator: ",") + "\r\n"
    }

    /// One cell: quoted where it must be, never a formula, and without control characters but for line ends and tabs.
    ///
    /// A spreadsheet takes what begins with one of `= + - @`, a tab or a line end for a formula: an apostrophe before it
    /// makes it text.
    static func cell(_ text: String) -> String {
        var kept = String.UnicodeScalarView()
        for scalar in text.unicodeScalars where !isControl(scalar) { kept.append(scalar) }
        if let first = kept.first, "=+-@\t\r\n".unicodeScalars.contains(first) { kept.insert("'", at: kept.startIndex) }
        let cell = String(kept)
        let needsQuotes = cell.utf8.contains { "\",\r\n".utf8.contains($0) } || cell.first == " " || cell.last == " "
        return needsQuotes ? "\"" + cell.replacing("\"", with: "\"\"") + "\"" : cell
    }

    /// What a cell says of a value: the elements of an array with spaces between them, members as `name=value`.
    static func text(_ value: JSON?) -> String {
        switch value {
        case nil, .null: ""
        case .string(let text): text
        case .array(let elements): elements.map { text($0) }.joined(separator: " ")
        case .object(let object): object.members.map { "\($0.key)=\(text($0.value))" }.joined(separator: "; ")
        case .some(let other): other.text
        }
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 && scalar != "\t" && scalar != "\r" && scalar != "\n"
            || (0x7f...0x9f).contains(scalar.value)
    }
}

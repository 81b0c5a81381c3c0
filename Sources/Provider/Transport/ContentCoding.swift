/// How a body is compressed, or may be. Spec: RFC 9110, sections 8.4 and 12.5.3.
package enum ContentCoding: Equatable {
    case identity
    case gzip
    /// One that is not understood, or more than one.
    case other(String)

    /// Reads the values of all Content-Encoding fields, in their order.
    package init(_ values: some Sequence<String>) {
        self = .identity
        for value in values {
            for part in value.split(separator: ",") {
                let name = Self.trimmed(part).lowercased()
                switch (name, self) {
                case ("identity", _), ("", _): break
                case ("gzip", .identity), ("x-gzip", .identity): self = .gzip
                default:
                    self = .other(values.joined(separator: ", "))
                    return
                }
            }
        }
    }

    /// Whether the values of all Accept-Encoding fields ask for gzip: it is named, or meant by `*`, with a weight above
    /// 0 and not below that of `identity`. Without such a field nothing is asked for.
    package static func acceptsGzip(_ values: some Sequence<String>) -> Bool {
        let values = Array(values)
        if values == ["gzip"] { return true }
        var gzip: Int?
        var identity: Int?
        var any: Int?
        for value in values {
            for part in value.split(separator: ",") {
                let pieces = part.split(separator: ";", omittingEmptySubsequences: false).map(trimmed)
                guard let weight = weight(pieces.dropFirst()) else { continue }
                switch pieces[0].lowercased() {
                case "gzip", "x-gzip": gzip = max(gzip ?? 0, weight)
                case "identity": identity = max(identity ?? 0, weight)
                case "*": any = max(any ?? 0, weight)
                default: break
                }
            }
        }
        let wanted = gzip ?? any ?? 0
        return wanted > 0 && wanted >= identity ?? 0
    }

    /// The weight in thousandths; nil for one that is malformed.
    private static func weight(_ parameters: ArraySlice<Substring>) -> Int? {
        guard let text = parameters.first(where: { $0.lowercased().hasPrefix("q=") })?.dropFirst(2) else { return 1000 }
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let decimals = parts.count == 2 ? parts[1] : ""
        guard parts[0] == "0" || parts[0] == "1", decimals.utf8.count <= 3,
            decimals.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let thousandths = Int(decimals + String(repeating: "0", count: 3 - decimals.utf8.count))
        else { return nil }
        return parts[0] == "0" ? thousandths : thousandths == 0 ? 1000 : nil
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        let start = text.drop(while: isSpace)
        return start.prefix(upTo: start.lastIndex { !isSpace($0) }.map { start.index(after: $0) } ?? start.startIndex)
    }
}

/// Cuts a stream of bytes into lines, each with a byte limit.
struct LineSplitter {
    enum Line: Equatable {
        /// Without its newline.
        case whole([UInt8])
        /// The beginning of a line over the limit; the rest was skipped.
        case tooLong(beginning: [UInt8])
    }

    /// How much of a line over the limit is kept.
    static let beginningBytes = 64 << 10

    private let limit: Int
    private var line: [UInt8] = []
    private var isSkipping = false

    init(limit: Int) {
        self.limit = limit
    }

    mutating func append(_ bytes: ArraySlice<UInt8>) -> [Line] {
        var lines: [Line] = []
        var rest = bytes
        while let newline = rest.firstIndex(of: UInt8(ascii: "\n")) {
            keep(rest[..<newline])
            lines.append(end())
            rest = rest[(newline + 1)...]
        }
        keep(rest)
        return lines
    }

    /// What is left at the end of the stream: a line without its newline, or nil.
    mutating func finish() -> Line? {
        line.isEmpty ? nil : end()
    }

    private mutating func keep(_ bytes: ArraySlice<UInt8>) {
        guard !isSkipping else { return }
        line += bytes
        if line.count > limit {
            isSkipping = true
            line = Array(line.prefix(min(limit, Self.beginningBytes)))
        }
    }

    private mutating func end() -> Line {
        defer {
            line = []
            isSkipping = false
        }
        return isSkipping ? .tooLong(beginning: line) : .whole(line)
    }
}

/// Cuts a stream of bytes into lines, each with a byte limit.
struct LineSplitter {
    enum Line: Equatable {
        /// Without its newline.
        case whole([UInt8])
        /// Both ends of a line over the limit; what is between was skipped.
        case tooLong(beginning: [UInt8], end: [UInt8])
    }

    /// How much is kept of each end of a line over the limit, at most.
    static let keptBytes = 4 << 10

    private let limit: Int
    private var line: [UInt8] = []
    /// The last bytes of a line over the limit; nil while the line is within it.
    private var tail: [UInt8]?

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
        if let tail {
            self.tail = Array((tail + bytes).suffix(Self.keptBytes))
            return
        }
        line += bytes
        if line.count > limit {
            tail = Array(line.suffix(Self.keptBytes))
            line = Array(line.prefix(min(limit, Self.keptBytes)))
        }
    }

    private mutating func end() -> Line {
        defer {
            line = []
            tail = nil
        }
        return tail.map { .tooLong(beginning: line, end: $0) } ?? .whole(line)
    }
}

/// Why a client's file is left as it is. Names the place and the way out, and quotes nothing of the file but names.
struct ConfigRefusal: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }

    /// What cannot be read, by its line and column, both from 1.
    init(_ what: String, at offset: Int, in bytes: [UInt8]) {
        let before = bytes.prefix(offset)
        let line = before.count { $0 == .newline } + 1
        let column = offset - (before.lastIndex(of: .newline).map { $0 + 1 } ?? 0) + 1
        self.init("line \(line), column \(column): \(what)")
    }
}

extension UInt8 {
    static let newline = UInt8(ascii: "\n")
    static let quote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")

    /// Space or tab.
    var isBlank: Bool { self == 0x20 || self == 0x09 }
    /// What JSON takes for white space.
    var isSpace: Bool { isBlank || self == 0x0A || self == 0x0D }
}

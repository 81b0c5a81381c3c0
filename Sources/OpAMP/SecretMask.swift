/// Hides secrets in configurations and messages that are shown; never in what is stored or sent.
///
/// Knows no grammar, so that it works on Fluent Bit's and Fluentd's formats, YAML, JSON, and lines of keys and values,
/// whole or broken: a value is masked by the name of its key. Private keys in PEM and passwords in URLs are masked
/// wherever they are. A value that only refers to the environment stays. In doubt it masks more.
package enum SecretMask {
    /// What stands in the place of a secret.
    package static let mark = "***MASKED***"

    /// A configuration with its secrets masked.
    package static func masked(_ text: String) -> String {
        String(decoding: masked(Array(text.utf8)), as: UTF8.self)
    }

    /// The same for bytes that may not be UTF-8.
    package static func masked(_ bytes: [UInt8]) -> [UInt8] {
        masked(bytes, isProse: false)
    }

    /// A message in words, in which a space does not part a key from its value.
    package static func masked(message: String) -> String {
        String(decoding: masked(Array(message.utf8), isProse: true), as: UTF8.self)
    }

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

    private static func masked(_ bytes: [UInt8], isProse: Bool) -> [UInt8] {
        var keys = SecretScanner(MaskedText(withoutPrivateKeys(bytes)), isProse: isProse)
        return withoutPasswordsInURLs(keys.masked())
    }

    /// Masks what stands between the first and the last line of private keys in PEM, also where the lines are escaped.
    private static func withoutPrivateKeys(_ bytes: [UInt8]) -> [UInt8] {
        let (begin, end) = (Array("-----BEGIN ".utf8), Array("-----END ".utf8))
        let (key, dashes) = (Array("PRIVATE KEY".utf8), Array("-----".utf8))
        var text = MaskedText(bytes)
        var position = 0
        while let start = text.find(begin, from: position) {
            position = start + begin.count
            let title = position..<min(position + 80, bytes.count)
            guard let name = text.find(key, in: title), let close = text.find(dashes, in: name..<title.upperBound)
            else {
                continue
            }
            let body = close + dashes.count
            let last = text.find(end, from: body) ?? bytes.count
            // What indents the last line stays before it.
            var stop = last
            while stop > body, text[stop - 1] == UInt8(ascii: " ") { stop -= 1 }
            if stop > body, text[stop - 1] == UInt8(ascii: "\n") { stop -= 1 } else { stop = last }
            var first = body
            while first < stop, text[first] == UInt8(ascii: "\r") || text[first] == UInt8(ascii: "\n") { first += 1 }
            if first < stop { text.mask(first..<stop) }
            position = last
        }
        return text.finished()
    }

    /// Masks the password in `://user:password@host`.
    private static func withoutPasswordsInURLs(_ bytes: [UInt8]) -> [UInt8] {
        let (start, colon, at) = (Array("://".utf8), UInt8(ascii: ":"), UInt8(ascii: "@"))
        var text = MaskedText(bytes)
        // Each of these only ever moves on, so that the time is linear whatever the text.
        var (position, nextEnd, nextAt) = (0, 0, 0)
        while let found = text.find(start, from: position) {
            let authority = found + start.count
            position = authority
            nextEnd = max(nextEnd, authority)
            while nextEnd < bytes.count, !endsURL(bytes[nextEnd]) { nextEnd += 1 }
            nextAt = max(nextAt, authority)
            while nextAt < bytes.count, bytes[nextAt] != at { nextAt += 1 }
            guard nextAt < nextEnd else { continue }
            var host = authority
            while host < nextAt, bytes[host] != UInt8(ascii: "/") { host += 1 }
            guard let userEnd = bytes[authority..<host].firstIndex(of: colon) else { continue }
            // What is a port before the first slash is no password.
            let isPort = host < nextAt && bytes[(userEnd + 1)..<host].allSatisfy { (48...57).contains($0) }
            guard !isPort else { continue }
            var last = nextAt
            for index in nextAt..<nextEnd {
                if bytes[index] == UInt8(ascii: "/") { break }
                if bytes[index] == at { last = index }
            }
            text.mask((userEnd + 1)..<last)
            position = last
        }
        return text.finished()
    }

    private static func endsURL(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "<")
            || byte == UInt8(ascii: ">")
    }
}

/// A version that others are compared with: numbers joined by dots, missing ones being 0, so 5.1 < 5.1.1 < 5.10.
struct FilterVersion: Sendable {
    private let parts: [UInt64]

    /// Nil for anything but numbers joined by dots, with or without a `v` before them.
    init?(_ text: String) {
        var text = text
        let parts: [UInt64]? = text.withUTF8 { bytes in
            var reader = Reader(bytes)
            var parts: [UInt64] = []
            while let part = reader.next() { parts.append(part) }
            return parts.isEmpty || reader.leftOver > 0 ? nil : parts
        }
        guard let parts else { return nil }
        self.parts = parts
    }

    /// How a version compares with this one: below 0, 0, or above 0. What follows the numbers, such as `-rc1`, does
    /// not count. Nil for a text that does not begin with a number.
    func order(of text: String) -> Int? {
        var text = text
        return text.withUTF8 { bytes in
            var reader = Reader(bytes)
            guard let first = reader.next() else { return nil }
            if first != parts[0] { return first < parts[0] ? -1 : 1 }
            for part in parts.dropFirst() {
                let found = reader.next() ?? 0
                if found != part { return found < part ? -1 : 1 }
            }
            while let found = reader.next() {
                if found > 0 { return 1 }
            }
            return 0
        }
    }

    /// Reads the numbers of a version one by one.
    private struct Reader {
        private let bytes: UnsafeBufferPointer<UInt8>
        private var index: Int
        private var isFirst = true

        init(_ bytes: UnsafeBufferPointer<UInt8>) {
            self.bytes = bytes
            let hasLetter = bytes.first == UInt8(ascii: "v") || bytes.first == UInt8(ascii: "V")
            index = hasLetter ? 1 : 0
        }

        /// The bytes after the last number read.
        var leftOver: Int { bytes.count - index }

        /// The next number, at most `UInt64.max`; nil after the last.
        mutating func next() -> UInt64? {
            var position = index
            if !isFirst {
                guard position < bytes.count, bytes[position] == UInt8(ascii: ".") else { return nil }
                position += 1
            }
            let start = position
            var number: UInt64 = 0
            while position < bytes.count, (48...57).contains(bytes[position]) {
                let (tens, isLarge) = number.multipliedReportingOverflow(by: 10)
                let (sum, isLarger) = tens.addingReportingOverflow(UInt64(bytes[position] - 48))
                number = isLarge || isLarger ? .max : sum
                position += 1
            }
            guard position > start else { return nil }
            (index, isFirst) = (position, false)
            return number
        }
    }
}

extension InstanceUID {
    /// Reads the 26 characters of a ULID, as clients of OpAMP before 0.10 send them, in either case.
    ///
    /// - Returns: nil for anything else, and for what is larger than 128 bits.
    package init?(ulid characters: some Collection<UInt8>) {
        guard characters.count == 26, let first = characters.first, (UInt8(ascii: "0")...UInt8(ascii: "7")) ~= first
        else { return nil }
        var (high, low): (UInt64, UInt64) = (0, 0)
        for character in characters {
            guard let digit = Self.crockford.firstIndex(of: character & 0x40 == 0 ? character : character & ~0x20)
            else { return nil }
            high = high << 5 | low >> 59
            low = low << 5 | UInt64(digit)
        }
        self.init(high: high, low: low)
    }

    /// Digits and capital letters without I, L, O and U.
    private static let crockford = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
}

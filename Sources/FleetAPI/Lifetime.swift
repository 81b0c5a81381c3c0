/// How long something is good, as people write it.
package enum Lifetime {
    /// When it ends; nil for `never`.
    ///
    /// - Parameters:
    ///   - text: `30m`, `12h`, `90d`, a time as `2027-01-01T00:00:00Z`, or `never` where that is allowed.
    ///   - daysLimit: the most days.
    /// - Throws: for what is no time, and for one that is past or too far away.
    package static func end(
        _ text: String, at now: Timestamp, daysLimit: Int64, allowsNever: Bool
    ) throws(ShapeError) -> Timestamp? {
        if allowsNever, text == "never" { return nil }
        let units: [Character: Int64] = ["m": 60, "h": 3_600, "d": 86_400]
        let digits = text.dropLast()
        var end = Timestamp(text)
        if let unit = text.last.flatMap({ units[$0] }), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let count = Int64(digits), count <= daysLimit * 86_400
        {
            end = now + .seconds(count * unit)
        }
        guard let end, end > now, end <= now + .seconds(daysLimit * 86_400) else {
            throw ShapeError(
                path: "expires",
                message: "must be a time to come within \(daysLimit) days: 30m, 12h, 90d, "
                    + (allowsNever ? "a time as 2027-01-01T00:00:00Z, or never" : "or a time as 2027-01-01T00:00:00Z"))
        }
        return end
    }
}

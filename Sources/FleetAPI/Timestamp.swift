package import JSON

/// A moment in UTC, to the nanosecond, between the years 1970 and 2262.
///
/// On the wire: RFC 3339, always `Z`, with as many digits of the fraction as are needed (0, 3, 6 or 9).
package struct Timestamp: Sendable, Hashable, Comparable {
    /// Since 1970-01-01T00:00:00Z, leap seconds not counted.
    package let nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    package init(seconds: Int64) {
        self.init(nanoseconds: seconds * 1_000_000_000)
    }

    package var seconds: Int64 { nanoseconds / 1_000_000_000 }

    package static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

    package static func + (moment: Self, duration: Duration) -> Self {
        Timestamp(nanoseconds: moment.nanoseconds + duration.nanoseconds)
    }

    package static func - (moment: Self, duration: Duration) -> Self {
        Timestamp(nanoseconds: moment.nanoseconds - duration.nanoseconds)
    }

    package static func - (left: Self, right: Self) -> Duration {
        .nanoseconds(left.nanoseconds - right.nanoseconds)
    }
}

extension Duration {
    /// Whole nanoseconds, at most some 292 years.
    package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}

extension Timestamp: CustomStringConvertible {
    package var description: String {
        let (days, secondOfDay) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let (year, month, day) = civil(fromDays: days)
        let clock = [secondOfDay / 3600, secondOfDay / 60 % 60, secondOfDay % 60].map { padded($0, 2) }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(clock.joined(separator: ":"))\(fraction)Z"
    }

    private var fraction: String {
        let rest = nanoseconds % 1_000_000_000
        if rest == 0 { return "" }
        if rest % 1_000_000 == 0 { return "." + padded(rest / 1_000_000, 3) }
        if rest % 1_000 == 0 { return "." + padded(rest / 1_000, 6) }
        return "." + padded(rest, 9)
    }

    /// Parses RFC 3339 with any offset; nil for anything else, and for moments outside 1970 to 2262.
    package init?(_ text: String) {
        var rest = Substring(text)
        func number(_ digits: Int, then separators: String) -> Int64? {
            let head = rest.prefix(digits)
            guard head.utf8.count == digits, head.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
            rest = rest.dropFirst(digits)
            if !separators.isEmpty {
                guard let next = rest.first, separators.contains(next) else { return nil }
                rest = rest.dropFirst()
            }
            return Int64(head)
        }
        guard let year = number(4, then: "-"), let month = number(2, then: "-"), let day = number(2, then: "Tt "),
            let hour = number(2, then: ":"), let minute = number(2, then: ":"), let second = number(2, then: ""),
            (1970..<2262).contains(year), (1...12).contains(month), (1...31).contains(day),
            hour < 24, minute < 60, second < 60
        else { return nil }
        var nanoseconds: Int64 = 0
        if rest.first == "." {
            let digits = rest.dropFirst().prefix { $0.isASCII && $0.isNumber }
            guard !digits.isEmpty, digits.count <= 9, let value = Int64(digits) else { return nil }
            nanoseconds = (0..<(9 - digits.count)).reduce(value) { value, _ in value * 10 }
            rest = rest.dropFirst(digits.count + 1)
        }
        var offset: Int64 = 0
        if rest == "Z" || rest == "z" {
            rest = ""
        } else if let sign = rest.first, sign == "+" || sign == "-" {
            rest = rest.dropFirst()
            guard let hours = number(2, then: ":"), let minutes = number(2, then: ""), hours < 24, minutes < 60 else {
                return nil
            }
            offset = (hours * 3600 + minutes * 60) * (sign == "-" ? -1 : 1)
        } else {
            return nil
        }
        let days = Self.days(year: year, month: month, day: day)
        guard rest.isEmpty, civil(fromDays: days) == (year, month, day) else { return nil }
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        guard seconds >= 0 else { return nil }
        self.init(nanoseconds: seconds * 1_000_000_000 + nanoseconds)
    }

    /// Days since 1970-01-01 of a date in the Gregorian calendar, counted in years that begin in March.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let marchYear = month > 2 ? year : year - 1
        let (era, yearOfEra) = marchYear.quotientAndRemainder(dividingBy: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

/// The date that lies this many days after 1970-01-01, in the Gregorian calendar.
private func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, dayOfEra) = (days + 719_468).quotientAndRemainder(dividingBy: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
}

private func padded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

extension Timestamp: RESTValue {
    package init(json: JSON) throws(ShapeError) {
        let text = try String(json: json)
        guard let moment = Timestamp(text) else {
            throw ShapeError(message: "is \"\(text)\", not an RFC 3339 time such as 2026-11-23T10:00:00Z")
        }
        self = moment
    }
    package var json: JSON { .string(description) }
    package static func schema(_ schemas: Schemas) -> JSON { ["type": "string", "format": "date-time"] }
}

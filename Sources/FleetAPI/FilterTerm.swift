/// One term of a filter: what is looked at, and tests of which one must hold.
struct FilterTerm: Sendable {
    enum Key: Sendable {
        case text(Filter.TextKey)
        case list(Filter.ListKey)
        case time(Filter.TimeKey)
        case label(String)
        case attribute(String)
        case id
        /// A bare word.
        case word
    }

    enum Test: Sendable {
        /// There is a value, whatever it is.
        case present
        case pattern(FilterPattern)
        /// A bare word, and what it means for a uid, if it is long enough.
        case word(FilterPattern, uid: FilterPattern?)
        case version(FilterComparison, FilterVersion)
        case number(FilterComparison, Double)
        /// Nanoseconds between the moment and now.
        case age(FilterComparison, Int64)
        case moment(FilterComparison, Timestamp)
    }

    let isNegated: Bool
    let key: Key
    let tests: [Test]

    /// Whether some alternative is only `*`.
    var acceptsAnything: Bool {
        tests.contains {
            switch $0 {
            case .pattern(let pattern), .word(let pattern, _): pattern.isAnything
            case .present, .version, .number, .age, .moment: false
            }
        }
    }

    func holds(for subject: some FilterSubject, now: Timestamp) -> Bool {
        isFound(in: subject, now: now) != isNegated
    }

    private func isFound(in subject: some FilterSubject, now: Timestamp) -> Bool {
        switch key {
        case .text(let key): return holds(for: subject.text(key))
        case .label(let name): return holds(for: subject.label(name))
        case .attribute(let name): return holds(for: subject.attribute(name))
        case .list(let key): return subject.contains(key) { holds(for: $0) }
        case .id: return holds(forUID: subject.uidBits)
        case .time(let key):
            guard let moment = subject.moment(key) else { return false }
            return tests.contains { $0.holds(for: moment, now: now) }
        case .word:
            if acceptsAnything { return true }
            return holds(for: subject.text(.type)) || holds(for: subject.text(.host)) || holds(for: subject.text(.ip))
                || holds(for: subject.text(.serviceInstanceID)) || holds(forUID: subject.uidBits)
        }
    }

    private func holds(for text: String?) -> Bool {
        guard let text else { return false }
        return tests.contains { $0.holds(for: text) }
    }

    private func holds(forUID bits: (high: UInt64, low: UInt64)?) -> Bool {
        guard let bits else { return false }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { digits in
            for index in 0..<32 {
                let half = index < 16 ? bits.high : bits.low
                let digit = UInt8(truncatingIfNeeded: half >> UInt64((15 - index % 16) * 4)) & 0xf
                digits[index] = digit < 10 ? 48 + digit : 87 + digit
            }
            return tests.contains { $0.holds(forUID: UnsafeBufferPointer(digits)) }
        }
    }
}

extension FilterTerm.Test {
    func holds(for text: String) -> Bool {
        switch self {
        case .present: return true
        case .pattern(let pattern), .word(let pattern, _): return pattern.matches(text)
        case .version(let comparison, let version):
            guard let order = version.order(of: text) else { return false }
            return comparison.holds(order, 0)
        case .number(let comparison, let number):
            guard let found = Double(text) else { return false }
            return comparison.holds(found, number)
        case .age, .moment: return false
        }
    }

    func holds(for moment: Timestamp, now: Timestamp) -> Bool {
        switch self {
        case .age(let comparison, let age): comparison.holds(now.nanoseconds - moment.nanoseconds, age)
        case .moment(.equal, let other): moment.seconds == other.seconds
        case .moment(let comparison, let other): comparison.holds(moment, other)
        case .pattern(let pattern): pattern.isAnything
        case .present, .word, .version, .number: false
        }
    }

    func holds(forUID digits: UnsafeBufferPointer<UInt8>) -> Bool {
        switch self {
        case .pattern(let pattern): pattern.matches(digits)
        case .word(_, let pattern): pattern?.matches(digits) ?? false
        case .present, .version, .number, .age, .moment: false
        }
    }
}

enum FilterComparison: String, Sendable {
    case lessOrEqual = "<="
    case greaterOrEqual = ">="
    case less = "<"
    case greater = ">"
    case equal = "="

    func holds<Value: Comparable>(_ left: Value, _ right: Value) -> Bool {
        switch self {
        case .less: left < right
        case .lessOrEqual: left <= right
        case .greater: left > right
        case .greaterOrEqual: left >= right
        case .equal: left == right
        }
    }
}

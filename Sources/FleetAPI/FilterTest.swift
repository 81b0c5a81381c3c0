/// One value of a term on its way to becoming a test.
struct FilterTest {
    /// Why there is no such test.
    struct Fault: Error {
        let message: String
        var allowed: [String]?
    }

    let key: FilterTerm.Key
    let comparison: FilterComparison?
    let text: String

    func make() throws(Fault) -> FilterTerm.Test {
        switch key {
        case .time(let key): return try time(key.rawValue)
        case .text(.version): return try version()
        case .label, .attribute: return try number()
        case .id: return try id()
        case .word: return word()
        case .text(let key):
            try refuseComparison(key.rawValue)
            return try known(key.rawValue, among: key.values, FilterPattern(text, isPart: key == .error))
        case .list(.problem):
            try refuseComparison("problem")
            if text.lowercased() == "any" { return .present }
            return try known("problem", among: Filter.problems, FilterPattern(text))
        case .list(let key):
            try refuseComparison(key.rawValue)
            return .pattern(FilterPattern(text))
        }
    }

    private func refuseComparison(_ key: String) throws(Fault) {
        guard let comparison, comparison != .equal else { return }
        throw Fault(
            message: "\(key) cannot be compared with \(comparison.rawValue); version, last_seen, first_seen, started, "
                + "label.NAME and attr.NAME can")
    }

    /// A value that can never be found is refused.
    private func known(_ key: String, among values: [String]?, _ pattern: FilterPattern) throws(Fault)
        -> FilterTerm.Test
    {
        if let values, !values.contains(where: pattern.matches) {
            let names = key == "problem" ? ["any"] + values : values
            throw Fault(message: "\(key) is one of \(names.joined(separator: ", "))", allowed: names)
        }
        return .pattern(pattern)
    }

    private func version() throws(Fault) -> FilterTerm.Test {
        guard let comparison else { return .pattern(FilterPattern(text)) }
        if let version = FilterVersion(text) { return .version(comparison, version) }
        if comparison == .equal { return .pattern(FilterPattern(text)) }
        throw Fault(
            message: "a version is compared with numbers joined by dots, as in version\(comparison.rawValue)5.1")
    }

    private func number() throws(Fault) -> FilterTerm.Test {
        guard let comparison else { return .pattern(FilterPattern(text)) }
        let isDecimal = text.utf8.allSatisfy { (48...57).contains($0) || "+-.eE".utf8.contains($0) }
        if isDecimal, let number = Double(text), number.isFinite { return .number(comparison, number) }
        if comparison == .equal { return .pattern(FilterPattern(text)) }
        if let version = FilterVersion(text) { return .version(comparison, version) }
        throw Fault(message: "\(comparison.rawValue) compares with a number such as 4 or a version such as 1.2.3")
    }

    private func time(_ key: String) throws(Fault) -> FilterTerm.Test {
        guard let comparison else {
            if text == "*" { return .pattern(.anything) }
            throw Fault(message: "\(key) is compared with < or >, as in \(key)>5m for longer ago than five minutes")
        }
        if let moment = Timestamp(text) { return .moment(comparison, moment) }
        guard let age = age() else {
            throw Fault(
                message: "\(key) is compared with an age such as 30s, 5m, 2h or 7d, or a time such as "
                    + "2026-11-23T10:00:00Z")
        }
        if comparison == .equal { throw Fault(message: "an age is compared with < or >") }
        return .age(comparison, age)
    }

    /// Nanoseconds.
    private func age() -> Int64? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        let digits = text.dropLast()
        guard let last = text.lowercased().last, let unit = units[last],
            digits.utf8.allSatisfy({ (48...57).contains($0) }),
            let amount = Int64(digits), amount <= 9_000_000_000 / unit
        else { return nil }
        return amount * unit * 1_000_000_000
    }

    private func id() throws(Fault) -> FilterTerm.Test {
        try refuseComparison("id")
        let digits = text.lowercased().filter { $0 != "-" }
        guard digits.utf8.count <= 64, digits.utf8.allSatisfy({ "0123456789abcdef*".utf8.contains($0) }) else {
            throw Fault(message: "id is the uid of an agent or its end, in hex digits; host:NAME asks for a host")
        }
        return .pattern(FilterPattern(digits.contains("*") || digits.isEmpty ? digits : "*" + digits))
    }

    /// Short words would be found in uids by accident; a uid written with dashes is looked for without them.
    private func word() -> FilterTerm.Test {
        let lengths = text.split(separator: "-", omittingEmptySubsequences: false).map(\.utf8.count)
        let uid = lengths == [8, 4, 4, 4, 12] ? text.filter { $0 != "-" } : text
        return .word(
            FilterPattern(text, isPart: true), uid: uid.utf8.count >= 6 ? FilterPattern(uid, isPart: true) : nil)
    }
}

extension Filter.TextKey {
    /// All values there can be; nil where anything can be.
    var values: [String]? {
        switch self {
        case .status: AgentStatus.allCases.map(\.rawValue)
        case .health: AgentHealth.allCases.map(\.rawValue)
        case .admission: Admission.allCases.map(\.rawValue)
        case .config: ConfigStatus.allCases.map(\.rawValue) + [Filter.drift]
        case .transport: AgentTransport.allCases.map(\.rawValue)
        case .identity: AgentIdentity.allCases.map(\.rawValue) + [Filter.noIdentity]
        case .type, .version, .host, .ip, .os, .configHash, .error, .serviceInstanceID: nil
        }
    }
}

extension FilterTerm.Key {
    /// Nil for a name that is no key.
    init?(_ name: String) {
        let lowered = name.lowercased()
        if lowered.hasPrefix("label."), name.utf8.count > 6 {
            self = .label(String(name.dropFirst(6)))
        } else if lowered.hasPrefix("attr."), name.utf8.count > 5 {
            self = .attribute(String(name.dropFirst(5)))
        } else if lowered == "id" {
            self = .id
        } else if let key = Filter.TextKey(rawValue: lowered), key != .serviceInstanceID {
            self = .text(key)
        } else if let key = Filter.ListKey(rawValue: lowered) {
            self = .list(key)
        } else if let key = Filter.TimeKey(rawValue: lowered) {
            self = .time(key)
        } else {
            return nil
        }
    }
}

package import FleetAPI

/// The query of one request, checked against the names that its path knows.
package struct QueryParameters: Sendable, Equatable {
    private let values: [String: String]

    /// - Parameters:
    ///   - query: what follows the `?`, still encoded; `+` is a space.
    ///   - names: the parameters that exist.
    /// - Throws: a 400 that names an unknown, repeated or undecodable parameter.
    package init(_ query: some StringProtocol, names: [String]) throws(Problem) {
        var values: [String: String] = [:]
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = percentDecoded(parts[0], plusIsSpace: true),
                let value = percentDecoded(parts.count > 1 ? parts[1] : "", plusIsSpace: true)
            else { throw .badRequest(field: String(parts[0]), "the query is not percent-encoded UTF-8") }
            guard names.contains(name) else {
                let known = names.isEmpty ? "this path takes no parameters" : "use: \(names.joined(separator: ", "))"
                throw .badRequest(field: name, value: value, "there is no parameter \(name); \(known)", allowed: names)
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw .badRequest(field: name, value: value, "\(name) is given more than once")
            }
        }
        self.values = values
    }

    /// The text of a parameter; nil when it is absent.
    package subscript(name: String) -> String? {
        values[name]
    }

    package func required(_ name: String) throws(Problem) -> String {
        guard let value = values[name], !value.isEmpty else { throw .badRequest(field: name, "\(name) is missing") }
        return value
    }

    package func number(_ name: String, in allowed: ClosedRange<Int>, default: Int) throws(Problem) -> Int {
        guard let text = values[name] else { return `default` }
        guard let number = Int(text), allowed.contains(number) else {
            let range = "\(allowed.lowerBound) to \(allowed.upperBound)"
            throw .badRequest(field: name, value: text, "\(name) must be a whole number, \(range)", allowed: [range])
        }
        return number
    }

    /// A moment: a time, or how long ago; nil when the parameter is absent.
    ///
    /// - Parameter now: what an age is counted from.
    package func moment(_ name: String, at now: Timestamp) throws(Problem) -> Timestamp? {
        guard let text = values[name] else { return nil }
        if let moment = Timestamp(text) { return moment }
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        let digits = text.dropLast()
        if let unit = text.last.flatMap({ units[$0] }), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let count = Int64(digits), count <= 1_000_000_000 / unit
        {
            return Timestamp(nanoseconds: max(0, now.nanoseconds - count * unit * 1_000_000_000))
        }
        throw .badRequest(
            field: name, value: text,
            "\(name) is a time such as 2026-11-23T10:00:00Z, or an age such as 30s, 5m, 2h or 7d")
    }

    /// Whether a parameter says `true`; it may say `false`, too.
    package func flag(_ name: String) throws(Problem) -> Bool {
        switch values[name] {
        case nil, "false": return false
        case "true": return true
        case let text?:
            throw .badRequest(
                field: name, value: text, "\(name) must be one of: true, false", allowed: ["true", "false"])
        }
    }

    /// The elements of a comma list, none of them empty; nil when the parameter is absent.
    package func list(_ name: String) throws(Problem) -> [String]? {
        guard let text = values[name] else { return nil }
        let elements = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard elements.allSatisfy({ !$0.isEmpty }) else {
            throw .badRequest(field: name, value: text, "\(name) has an empty element; without elements leave it out")
        }
        return elements
    }

    /// The elements of a comma list, each one of `allowed`.
    package func list(_ name: String, of allowed: [String]) throws(Problem) -> [String]? {
        guard let elements = try list(name) else { return nil }
        if let wrong = elements.first(where: { !allowed.contains($0) }) {
            throw .badRequest(
                field: name, value: wrong, "\(name) knows no \(wrong); use: \(allowed.joined(separator: ", "))",
                allowed: allowed)
        }
        return elements
    }

    /// The case that a parameter names; nil when it is absent.
    package func choice<Choice: RESTEnum>(_ name: String, _: Choice.Type) throws(Problem) -> Choice? {
        guard let text = values[name] else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let allowed = Choice.allCases.map(\.rawValue)
            throw .badRequest(
                field: name, value: text, "\(name) must be one of: \(allowed.joined(separator: ", "))",
                allowed: allowed)
        }
        return choice
    }
}

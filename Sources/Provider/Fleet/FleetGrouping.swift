import FleetAPI

/// The values that agents are counted by.
struct FleetGrouping {
    private let attributes: [String]

    init(_ attributes: [String]) {
        self.attributes = attributes
    }

    /// One value per attribute; `-` where the agent has none.
    func values(of view: AgentView) -> [String] {
        attributes.map { value($0, view)?.nonEmpty ?? "-" }
    }

    private func value(_ attribute: String, _ view: AgentView) -> String? {
        switch attribute {
        case "type": view.facts.type?.text
        case "version": view.facts.version?.text
        case "host": view.facts.host?.text
        case "ip": view.facts.ip?.text
        case "os": view.facts.os?.text
        case "error": view.facts.error.map(Self.folded)
        case "status", "health", "admission", "config", "transport":
            Filter.TextKey(rawValue: attribute).flatMap { view.text($0) }
        case _ where attribute.hasPrefix("label."): view.label(String(attribute.dropFirst(6)))
        case _ where attribute.hasPrefix("attr."): view.attribute(String(attribute.dropFirst(5)))
        default: view.attribute(attribute)
        }
    }

    /// An error with each run of digits as `*`, so that errors that differ in a number count as one.
    static func folded(_ error: String) -> String {
        var folded = ""
        var inDigits = false
        for character in error {
            let isDigit = character.isASCII && character.isNumber
            if !isDigit { folded.append(character) } else if !inDigits { folded.append("*") }
            inDigits = isDigit
        }
        return folded
    }
}

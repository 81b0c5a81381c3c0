/// Builds the text that Prometheus reads, format 0.0.4: families in the order they are added, each with its help.
struct MetricsText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    enum Kind: String {
        case counter, gauge, histogram
    }

    typealias Labels = KeyValuePairs<String, String>

    private(set) var text = ""

    /// Begins a family; its samples follow.
    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        let help = help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    mutating func sample(_ name: String, _ value: Int) { line(name, [:], "\(value)") }

    mutating func sample(_ name: String, _ labels: Labels, _ value: Int) { line(name, labels, "\(value)") }

    mutating func sample(_ name: String, _ value: Double) { line(name, [:], "\(value)") }

    /// A family of one sample without labels.
    mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: Int) {
        family(name, kind, help)
        sample(name, value)
    }

    mutating func sample(_ name: String, _ histogram: Histogram) { sample(name, [:], histogram) }

    mutating func sample(_ name: String, _ labels: Labels, _ histogram: Histogram) {
        var sum = 0
        for (bound, count) in zip(Histogram.bounds, histogram.counts) {
            sum += count
            line(name + "_bucket", labels, "\(sum)", bound: "\(bound)")
        }
        line(name + "_bucket", labels, "\(histogram.count)", bound: "+Inf")
        line(name + "_sum", labels, "\(histogram.sum)")
        line(name + "_count", labels, "\(histogram.count)")
    }

    private mutating func line(_ name: String, _ labels: Labels, _ value: String, bound: String? = nil) {
        var pairs = labels.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }
        if let bound { pairs.append("le=\"\(bound)\"") }
        text += pairs.isEmpty ? "\(name) \(value)\n" : "\(name){\(pairs.joined(separator: ","))} \(value)\n"
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}

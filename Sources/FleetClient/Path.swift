import HTTP

/// A path of the REST API with its query, encoded as it is built.
struct Path {
    private(set) var text: String
    private var hasQuery = false

    init(_ segments: String...) {
        text = "/api/v1"
        for segment in segments { self = adding(segment) }
    }

    /// The path with one more segment.
    func adding(_ segment: String) -> Path {
        var longer = self
        longer.text += "/" + percentEncoded(segment)
        return longer
    }

    /// The path with one more parameter, unless its value is nil.
    func with(_ name: String, _ value: String?) -> Path {
        guard let value else { return self }
        var longer = self
        longer.text += (hasQuery ? "&" : "?") + name + "=" + percentEncoded(value)
        longer.hasQuery = true
        return longer
    }
}

import FleetAPI
import HTTPTypes

/// The revisions that a request is meant for. Spec: RFC 9110, section 13.1.1.
struct IfMatch: Sendable, Equatable {
    /// nil: any.
    private let revisions: [String]?

    /// - Returns: nil where the header is absent: the request is meant for whatever is the present revision.
    /// - Throws: a 400 for what is no list of entity tags.
    init?(_ fields: HTTPFields) throws(Problem) {
        let lines = fields[values: .ifMatch]
        if lines.isEmpty { return nil }
        let tags = lines.joined(separator: ",").split(separator: ",").map { $0.filter { $0 != " " && $0 != "\t" } }
        if tags == ["*"] {
            revisions = nil
            return
        }
        for tag in tags.isEmpty ? [""] : tags {
            let opaque = tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...]
            guard opaque.count >= 2, opaque.hasPrefix("\""),
                opaque.dropFirst().firstIndex(of: "\"") == opaque.indices.last
            else {
                throw .badRequest(
                    field: "If-Match", value: lines.joined(separator: ", "),
                    "If-Match is the revision in quotes, as in \"3\", or *"
                )
            }
        }
        // A weak tag never matches here.
        revisions = tags.filter { !$0.hasPrefix("W/") }
    }

    /// - Parameter revision: the present one; 0 when nothing is desired.
    /// - Returns: nil when the request is meant for it, else a 412 that names it.
    func refusal(of revision: Int) -> Problem? {
        let tag = Self.tag(of: revision)
        guard let revisions, !revisions.contains(tag) else { return nil }
        return .refused(
            412, "Precondition Failed", field: "If-Match", value: revisions.joined(separator: ", "),
            "the present revision is \(tag); read it, and repeat the request with If-Match: \(tag)", allowed: [tag]
        )
    }

    /// A revision as an entity tag.
    static func tag(of revision: Int) -> String { "\"\(revision)\"" }
}

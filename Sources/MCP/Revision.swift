/// The revisions of MCP that begin with a handshake, oldest first.
///
/// Spec: MCP, "Versioning"; the revision after them, `modern`, names itself in every request instead.
enum Revision: String, CaseIterable, Comparable {
    case november2024 = "2024-11-05"
    case march2025 = "2025-03-26"
    case june2025 = "2025-06-18"
    case november2025 = "2025-11-25"

    /// What a client is answered that asks for a revision we do not know.
    static let newest = Revision.november2025
    /// The revision whose requests stand alone.
    static let modern = "2026-07-28"

    static func < (left: Revision, right: Revision) -> Bool { left.rawValue < right.rawValue }
}

/// Texts that many agents share, kept in memory once. Full at a limit: agents choose the texts.
struct InternedTexts: Sendable {
    private static let limit = 50_000
    /// Up to this size a Swift string needs no memory of its own.
    private static let inlineBytes = 15
    private var texts: Set<String> = []

    init() {}

    /// An equal text, from the store of shared ones where that saves memory.
    mutating func shared(_ text: String) -> String {
        guard text.utf8.count > Self.inlineBytes else { return text }
        if let index = texts.firstIndex(of: text) { return texts[index] }
        if texts.count < Self.limit { texts.insert(text) }
        return text
    }
}

import JSON

/// A text quoted for a message, cut after 80 characters.
func excerpt(_ text: String) -> String {
    let cut = text.prefix(80)
    return JSON.string(cut.endIndex == text.endIndex ? text : cut + "…").text
}

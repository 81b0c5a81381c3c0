import FleetAPI

/// The text as `clean` makes it, or `-` where nothing of it can be shown.
func cell(_ text: String?, limit: Int = 120) -> String {
    let shown = clean(text ?? "", limit: limit)
    return shown.isEmpty ? "-" : shown
}

import FleetAPI

/// A name that somebody else gave a caller, as it may be shown and recorded: on one line, visible, and short.
///
/// Control characters and everything that does not show (bidirectional marks, zero-width characters, tags, private and
/// unassigned characters) are dropped; runs of spaces become one space.
enum CallerName {
    /// The most Unicode scalars.
    static let limit = 128

    /// - Returns: nil when nothing of it can be shown.
    static func cleaned(_ text: String) -> String? {
        var kept = String.UnicodeScalarView()
        var isSpaceDue = false
        for scalar in text.unicodeScalars {
            guard kept.count < limit else { break }
            if isSpace(scalar) {
                isSpaceDue = !kept.isEmpty
            } else if isVisible(scalar) {
                if isSpaceDue { kept.append(" ") }
                kept.append(scalar)
                isSpaceDue = false
            }
        }
        return kept.isEmpty ? nil : String(kept)
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .spaceSeparator, .lineSeparator, .paragraphSeparator: true
        default: ("\t"..."\r").contains(scalar) || scalar == "\u{85}"
        }
    }

    private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value >= 0x20 && scalar.value != 0x7f }
        if scalar.properties.isDefaultIgnorableCodePoint || scalar == "\u{2800}" { return false }
        return switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned: false
        default: true
        }
    }
}

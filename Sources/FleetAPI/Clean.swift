/// The one way for text that agents wrote into an answer: on one line, visible, and short.
///
/// Escape sequences of terminals, control characters and everything that does not show (bidirectional marks,
/// zero-width characters, tags, variation selectors, private and unassigned characters) are dropped; tabs, line ends
/// and runs of spaces become one space.
///
/// - Parameter limit: the most Unicode scalars left, with `…` for the rest.
package func clean(_ text: String, limit: Int = 120) -> String {
    var kept = String.UnicodeScalarView()
    var count = 0
    var isSpaceDue = false
    var scalars = text.unicodeScalars.makeIterator()
    var next = scalars.next()
    while let scalar = next {
        next = scalars.next()
        if isEscape(scalar) {
            skipEscape(scalar, &next, &scalars)
        } else if isSpace(scalar) {
            isSpaceDue = count > 0
        } else if isVisible(scalar) {
            guard count + (isSpaceDue ? 2 : 1) <= limit else {
                if count >= limit { kept.removeLast() }
                kept.append("…")
                break
            }
            if isSpaceDue { kept.append(" ") }
            kept.append(scalar)
            count += isSpaceDue ? 2 : 1
            isSpaceDue = false
        }
    }
    return String(kept)
}

/// A line of a text whose spaces mean something, such as a configuration: cleaned like by `clean`, but with its tabs
/// and runs of spaces kept.
///
/// - Parameter limit: the most Unicode scalars left, with `…` and how many are missing for the rest.
package func cleanLine(_ text: some StringProtocol, limit: Int = 500) -> String {
    var kept = String.UnicodeScalarView()
    var (count, missing) = (0, 0)
    var scalars = String(text).unicodeScalars.makeIterator()
    var next = scalars.next()
    while let scalar = next {
        next = scalars.next()
        if isEscape(scalar) {
            skipEscape(scalar, &next, &scalars)
        } else if isSpace(scalar) || isVisible(scalar) {
            guard count < limit else {
                missing += 1
                continue
            }
            kept.append(isSpace(scalar) && scalar != "\t" ? " " : scalar)
            count += 1
        }
    }
    while let last = kept.last, last == " " || last == "\t" || last == "\r" { kept.removeLast() }
    return missing > 0 ? "\(String(kept))… \(missing) more characters" : String(kept)
}

/// The text of a value of any kind; a string without its quotes.
package func clean(_ value: some CustomStringConvertible, limit: Int = 120) -> String {
    clean(value.description, limit: limit)
}

private func isEscape(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "\u{1B}" || scalar == "\u{9B}" || scalar == "\u{9D}"
}

private func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .spaceSeparator, .lineSeparator, .paragraphSeparator: true
    case .control: scalar == "\t" || scalar == "\n" || scalar == "\r" || scalar == "\u{B}" || scalar == "\u{C}"
    default: scalar == "\u{85}"
    }
}

private func isVisible(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return scalar.value >= 0x20 && scalar.value != 0x7F }
    if scalar.properties.isDefaultIgnorableCodePoint || scalar == "\u{2800}" { return false }
    return switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned: false
    default: true
    }
}

/// Skips an escape sequence; `next` is then what follows it.
///
/// Spec: ECMA-48, 5.4 "Control sequences" and 5.6 "Control strings".
private func skipEscape(
    _ start: Unicode.Scalar, _ next: inout Unicode.Scalar?, _ rest: inout String.UnicodeScalarView.Iterator
) {
    var kind = start
    if start == "\u{1B}" {
        guard let second = next else { return }
        kind = second
        next = rest.next()
    }
    switch kind {
    case "[", "\u{9B}":
        while let scalar = next, (0x20...0x3F).contains(scalar.value) { next = rest.next() }
        if let final = next, (0x40...0x7E).contains(final.value) { next = rest.next() }
    case "]", "P", "X", "^", "_", "\u{9D}":
        // A control string that never ends takes the rest with it.
        while let scalar = next {
            next = rest.next()
            if scalar == "\u{7}" || scalar == "\u{9C}" { return }
            if scalar == "\u{1B}", next == "\\" {
                next = rest.next()
                return
            }
        }
    default: break
    }
}

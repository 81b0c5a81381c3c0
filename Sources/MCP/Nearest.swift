/// The name that differs least from a misspelled one, if it is near enough to be meant.
func nearest(to word: String, in names: [String]) -> String? {
    let word = word.prefix(64).lowercased()
    guard !word.isEmpty else { return nil }
    if let longer = names.first(where: { $0.hasPrefix(word) || word.hasPrefix($0) }) { return longer }
    let distances = names.map { (name: $0, distance: editDistance(Array(word.utf8), Array($0.utf8))) }
    guard let best = distances.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance * 2 < best.name.utf8.count ? best.name : nil
}

/// How many bytes to change, add or remove to turn one word into the other.
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for (i, a) in left.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, b) in right.enumerated() {
            let substituted = diagonal + (a == b ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(substituted, row[j] + 1, row[j + 1] + 1)
        }
    }
    return row[right.count]
}

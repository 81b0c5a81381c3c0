import JSON

extension RequestID {
    /// The id of a message of which only both ends are known: clients write it first or last.
    ///
    /// - Returns: nil where neither end tells it for certain.
    init?(beginning: [UInt8], end: [UInt8]) {
        if let id = RequestID(JSON.topLevelMember("id", in: beginning)) {
            self = id
            return
        }
        let name = Array("\"id\"".utf8)
        guard let start = end.indices.last(where: { end[$0...].starts(with: name) }) else { return nil }
        // A member after a comma that together with the last brace makes a whole object belongs to the outermost one.
        guard end[..<start].last(where: { $0 != UInt8(ascii: " ") }) == UInt8(ascii: ",") else { return nil }
        self.init((try? JSON(parsing: [UInt8(ascii: "{")] + end[start...]))?["id"])
    }
}

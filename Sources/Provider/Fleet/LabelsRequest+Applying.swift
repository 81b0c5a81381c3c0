import FleetAPI

extension LabelsRequest {
    /// The labels that follow from those an agent has.
    ///
    /// - Throws: 400 that names the label that is wrong, and what is allowed.
    func applied(to present: [String: String]) throws(Problem) -> [String: String] {
        var result = present
        if let labels {
            guard set == nil, remove == nil else {
                throw .badRequest(field: "labels", "give either labels, which replaces all, or set and remove")
            }
            result = labels
        } else {
            guard set != nil || remove != nil else {
                throw .badRequest(field: "labels", "labels is missing; give labels, or set and remove")
            }
            for name in remove ?? [] {
                if set?[name] != nil {
                    throw .badRequest(field: "remove", value: name, "\(name) is both set and removed")
                }
                result[name] = nil
            }
            result.merge(set ?? [:]) { $1 }
        }
        for (name, value) in (labels ?? set ?? [:]).sorted(by: { $0.key < $1.key }) {
            try Self.check(name, value, labels == nil ? "set" : "labels")
        }
        guard result.count <= Self.countLimit else {
            throw .badRequest(
                field: labels == nil ? "set" : "labels", value: "\(result.count)",
                "an agent may have \(Self.countLimit) labels, not \(result.count)")
        }
        return result
    }

    private static func check(_ name: String, _ value: String, _ member: String) throws(Problem) {
        guard nameLengths.contains(name.utf8.count), name.utf8.allSatisfy(isNameByte) else {
            throw .badRequest(
                field: "\(member).\(name.prefixUTF8(100))", value: name.prefixUTF8(100),
                "a label's name has 1 to 63 characters of A-Z a-z 0-9 . _ / -")
        }
        guard value.utf8.count <= valueLimit, !value.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
            throw .badRequest(
                field: "\(member).\(name)", value: value.prefixUTF8(100),
                "a label's value has at most \(valueLimit) bytes, none of them a control character")
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "/"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

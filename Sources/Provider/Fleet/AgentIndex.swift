import OpAMP

/// Finds agents by uid, by the end of the uid, by service instance id and by host. Spec: design, references to agents.
struct AgentIndex: Sendable {
    /// How many hex digits a short id has at least.
    static let shortestSuffix = 6

    private var byUID: [InstanceUID: Int] = [:]
    private var bySuffix = MultiIndex()
    private var byInstanceID = MultiIndex()
    private var byHost = MultiIndex()

    func position(of uid: InstanceUID) -> Int? { byUID[uid] }

    mutating func insert(_ record: AgentRecord, at position: Int) {
        byUID[record.uid] = position
        bySuffix.insert(record.uid.suffixKey, position)
        if let id = record.facts.serviceInstanceID { byInstanceID.insert(id.lower.hashValue, position) }
        if let host = record.facts.host { byHost.insert(host.lower.hashValue, position) }
    }

    mutating func remove(_ record: AgentRecord, at position: Int) {
        byUID[record.uid] = nil
        bySuffix.remove(record.uid.suffixKey, position)
        if let id = record.facts.serviceInstanceID { byInstanceID.remove(id.lower.hashValue, position) }
        if let host = record.facts.host { byHost.remove(host.lower.hashValue, position) }
    }

    /// The agents that a reference means: by full uid, else service instance id, else host, else the end of the uid.
    ///
    /// - Parameter records: the fleet that the positions point into.
    /// - Returns: the hits of the first level that has any; more than one is ambiguous.
    func matches(_ reference: String, in records: [AgentRecord]) -> [Int] {
        if let uid = InstanceUID(reference), let position = byUID[uid] { return [position] }
        let lower = reference.lowercased()
        let byID = byInstanceID.positions(lower.hashValue).filter {
            records[$0].facts.serviceInstanceID?.lower == lower
        }
        if !byID.isEmpty { return byID }
        let hosts = byHost.positions(lower.hashValue).filter { records[$0].facts.host?.lower == lower }
        if !hosts.isEmpty { return hosts }
        guard let digits = Self.suffixDigits(reference),
            let key = Int(digits.suffix(Self.shortestSuffix), radix: 16)
        else { return [] }
        return bySuffix.positions(key).filter { records[$0].uid.description.hasSuffix(digits) }
    }

    /// The shortest end of the uid, of at least six digits, that no other agent has.
    func shortID(of uid: InstanceUID, in records: [AgentRecord]) -> String {
        let text = uid.description
        let others = bySuffix.positions(uid.suffixKey).map { records[$0].uid }.filter { $0 != uid }
        let shared = others.map { sharedSuffix(text, $0.description) }.max() ?? 0
        return String(text.suffix(max(Self.shortestSuffix, shared + 1)))
    }

    private func sharedSuffix(_ left: String, _ right: String) -> Int {
        zip(left.utf8.reversed(), right.utf8.reversed()).prefix { $0 == $1 }.count
    }

    /// The digits of a reference that may be the end of a uid, in lower case and without dashes; nil if it cannot be.
    static func suffixDigits(_ reference: String) -> String? {
        let digits = reference.lowercased().utf8.filter { $0 != UInt8(ascii: "-") }
        guard (shortestSuffix...32).contains(digits.count), digits.allSatisfy(isHexDigit) else { return nil }
        return String(decoding: digits, as: UTF8.self)
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}

extension InstanceUID {
    /// The last six hex digits as a number.
    fileprivate var suffixKey: Int { Int(low & 0xff_ffff) }
}

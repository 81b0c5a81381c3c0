import FleetAPI
import OpAMP

/// An order of agents, and the first few of many in it without sorting all.
struct AgentOrder: Sendable {
    /// What one agent is ordered by; the uid decides between equals.
    struct Key: Comparable, Sendable {
        var number: Int64
        var text: String
        var uid: (UInt64, UInt64)

        static func < (left: Key, right: Key) -> Bool {
            if left.number != right.number { return left.number < right.number }
            if left.text != right.text { return left.text < right.text }
            return left.uid < right.uid
        }

        static func == (left: Key, right: Key) -> Bool { left.uid == right.uid }
    }

    /// Fields that lists can be ordered by.
    static let fields = [
        "host", "type", "version", "status", "health", "ip", "os", "error", "last_seen", "first_seen", "started",
    ]

    private let field: String?
    let isDescending: Bool

    /// - Parameter sort: a field, with `-` before it for the largest first; nil: problems first, then by host.
    /// - Throws: 400 with the fields that exist.
    init(_ sort: String?) throws(Problem) {
        isDescending = sort?.hasPrefix("-") ?? false
        field = sort.map { $0.hasPrefix("-") ? String($0.dropFirst()) : $0 }
        guard let field, !Self.fields.contains(field) else { return }
        var problem = Problem(
            400, "Unknown sort field", detail: "cannot sort by \"\(field)\"; put - before a field to reverse")
        (problem.field, problem.value, problem.allowed) = ("sort", sort, Self.fields)
        throw problem
    }

    func key(_ view: AgentView) -> Key {
        var key = Key(number: 0, text: "", uid: (view.record.uid.high, view.record.uid.low))
        switch field {
        case nil: (key.number, key.text) = (view.hasProblem ? 0 : 1, view.facts.host?.lower ?? "\u{7f}")
        case "last_seen": key.number = view.vitals.lastSeen.wall.nanoseconds
        case "first_seen": key.number = view.record.firstSeen.nanoseconds
        case "started": key.number = view.started?.nanoseconds ?? 0
        case "version": key.text = Self.padded(view.facts.version?.lower ?? "")
        case let field?: key.text = Filter.TextKey(rawValue: field).flatMap { view.text($0) } ?? "\u{7f}"
        }
        return key
    }

    /// Whether one key comes before the other in this order.
    func isBefore(_ left: Key, _ right: Key) -> Bool { isDescending ? right < left : left < right }

    /// Numbers in a version with zeros before them, so that texts compare as versions do.
    private static func padded(_ version: String) -> String {
        version.split(separator: ".").map { String(repeating: "0", count: max(0, 6 - $0.count)) + $0 }
            .joined(separator: ".")
    }
}

/// Keeps the first `limit` of what it is given, in order: a heap with the last of them at its top.
struct FirstInOrder {
    private let limit: Int
    private let order: AgentOrder
    private var heap: [(key: AgentOrder.Key, position: Int)] = []

    init(_ limit: Int, _ order: AgentOrder) {
        (self.limit, self.order) = (limit, order)
    }

    mutating func insert(_ key: AgentOrder.Key, _ position: Int) {
        if heap.count < limit {
            heap.append((key, position))
            var child = heap.count - 1
            while child > 0, order.isBefore(heap[(child - 1) / 2].key, heap[child].key) {
                heap.swapAt(child, (child - 1) / 2)
                child = (child - 1) / 2
            }
        } else if let last = heap.first, order.isBefore(key, last.key) {
            heap[0] = (key, position)
            sink()
        }
    }

    private mutating func sink() {
        var parent = 0
        while true {
            let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < heap.count }
            guard let larger = children.max(by: { order.isBefore(heap[$0].key, heap[$1].key) }),
                order.isBefore(heap[parent].key, heap[larger].key)
            else { return }
            heap.swapAt(parent, larger)
            parent = larger
        }
    }

    /// The positions kept, first to last.
    var positions: [Int] { heap.sorted { order.isBefore($0.key, $1.key) }.map(\.position) }
}

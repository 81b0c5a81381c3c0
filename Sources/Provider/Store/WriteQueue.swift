import Dispatch

/// What waits to be written, in order, and when to write it. Does no I/O.
struct WriteQueue: Sendable {
    typealias Completion = @Sendable (Result<Void, StoreError>) -> Void

    /// Changes that are written together or not at all.
    struct Group: Sendable {
        var changes: [Change]
        /// Who waits for them to be on disk; nil when nobody does.
        var completion: Completion?
        /// Of changes that could not be written: whether this one is to be tried again. The others are undone by who
        /// waits for them.
        var keeps: @Sendable (Change) -> Bool = { _ in true }
    }

    /// How long changes that nobody waits for are collected.
    private static let collectTime = DispatchTimeInterval.milliseconds(200)
    /// How long after a failure it is tried again.
    private static let retryTime = DispatchTimeInterval.seconds(1)

    private var groups: [Group] = []
    /// Whether something durable waits, and so the batch must reach the disk.
    private(set) var isDurable = false
    private var isScheduled = false
    /// Why nothing can be written at present; nil while all is well.
    var trouble: StoreError?

    /// How many changes wait.
    var count: Int { groups.reduce(0) { $0 + $1.changes.count } }

    /// Puts changes at the end.
    ///
    /// - Returns: after what time to write; nil when that is on its way already.
    mutating func add(_ group: Group) -> DispatchTimeInterval? {
        if group.completion == nil, let last = groups.indices.last, groups[last].completion == nil {
            groups[last].changes += group.changes
        } else {
            groups.append(group)
        }
        let wasDurable = isDurable
        isDurable = isDurable || group.completion != nil
        if trouble == nil, isDurable, !wasDurable { return .seconds(0) }
        return isDurable && trouble == nil ? nil : schedule()
    }

    /// After what time to write what is kept from a failure; nil when that is on its way already.
    mutating func schedule() -> DispatchTimeInterval? {
        guard !isScheduled else { return nil }
        isScheduled = true
        return trouble == nil ? Self.collectTime : Self.retryTime
    }

    /// Hands over everything that waits.
    mutating func takeAll() -> [Group] {
        defer { (groups, isDurable, isScheduled) = ([], false, false) }
        return groups
    }
}

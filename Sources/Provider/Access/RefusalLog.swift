import FleetAPI

/// What is recorded of refused attempts: of one address or caller one entry a minute, with how many there were, so that
/// nobody can fill the disk. A pure value of bounded size.
struct RefusalLog: Sendable {
    static let interval = Duration.seconds(60)
    /// The most that are told apart in one interval; the others are counted together.
    static let keyLimit = 100

    private struct Count {
        let entry: AuditEntry
        var more = 0
    }

    private var counts: [String: Count] = [:]
    private var others = 0
    private var lastOther: AuditEntry?
    /// On the monotonic clock.
    private var since: Int64 = 0

    /// Takes a refused attempt.
    ///
    /// - Parameter key: what is counted together.
    /// - Returns: the entries to write now.
    mutating func take(_ entry: AuditEntry, key: String, at now: Moment) -> [AuditEntry] {
        var due = flush(at: now)
        if counts[key] != nil {
            counts[key]?.more += 1
        } else if counts.count < Self.keyLimit {
            if counts.isEmpty, others == 0 { since = now.monotonic }
            counts[key] = Count(entry: entry)
            due.append(entry)
        } else {
            others += 1
            lastOther = entry
        }
        return due
    }

    /// - Returns: the entries that say how many attempts there were, once the interval is over, or `isAtOnce`.
    mutating func flush(at now: Moment, isAtOnce: Bool = false) -> [AuditEntry] {
        guard !counts.isEmpty, isAtOnce || now.monotonic - since >= Self.interval.nanoseconds else { return [] }
        var due = counts.values.filter { $0.more > 0 }.map { count in
            AuditEntry(
                at: now.wall, by: count.entry.by, from: count.entry.from, action: count.entry.action,
                target: count.entry.target, outcome: count.entry.outcome, detail: "\(count.more) more within a minute")
        }.sorted { ($0.from, $0.by) < ($1.from, $1.by) }
        if let lastOther {
            due.append(
                AuditEntry(
                    at: now.wall, by: lastOther.by, from: "several", action: lastOther.action,
                    target: lastOther.target, outcome: lastOther.outcome,
                    detail: "\(others) more from other addresses within a minute"))
        }
        (counts, others, lastOther) = ([:], 0, nil)
        return due
    }
}

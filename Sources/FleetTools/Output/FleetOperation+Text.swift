import FleetAPI

extension FleetOperation {
    private var now: Timestamp { asOf ?? finishedAt ?? startedAt }

    /// The most exceptions that are named.
    private static var exceptionLimit: Int { 5 }

    /// How far it is; the first word is the state.
    var outcome: String {
        let name = clean(command, limit: 40)
        let why = reason.map { ": \(clean($0, limit: 160))" } ?? ""
        let since = finishedAt.map { "in \(span($0 - startedAt))" } ?? "for \(age(startedAt, asOf: now))"
        var lines = ["\(state.rawValue): \(name) for \(agentCount(targets)) \(since)\(why); \(progress)"]
        let bad = exceptions ?? []
        if !bad.isEmpty {
            lines +=
                Table(
                    columns: [("id", 32), ("host", 40), ("state", 12), ("result", 80)].map {
                        Table.Column(name: $0.0, limit: $0.1, isHoisted: $0.0 != "id")
                    },
                    rows: bad.prefix(Self.exceptionLimit).map {
                        [$0.shortID, $0.host ?? "", $0.state, $0.result ?? ""]
                    }
                ).lines
            let all = ["failed", "unconfirmed", "expired", "skipped"].reduce(0) { $0 + (counts[$1] ?? 0) }
            let more = max(all, bad.count) - min(bad.count, Self.exceptionLimit)
            if more > 0 { lines.append("… \(more) more; command_status agent= tells of one") }
        }
        return lines.joined(separator: "\n")
    }

    /// Who asked for it, when, for which agents, and its id.
    var origin: String {
        let who = requestedBy.map { " by \(clean($0, limit: 40))" } ?? ""
        let whence = requestedFrom.map { " from \(clean($0, limit: 60))" } ?? ""
        let meant = filter.isEmpty ? "" : "; filter \(clean(filter, limit: 200))"
        return
            "asked \(age(startedAt, asOf: now)) ago (\(clock(startedAt)))\(who)\(whence)\(meant); command_id=\(clean(id, limit: 64))"
    }

    /// `12 confirmed, 3 sent, 25 waiting`, in the order of a command's life.
    private var progress: String {
        let order = [
            "confirmed", "failed", "unconfirmed", "expired", "cancelled", "skipped", "sent", "queued", "waiting",
            "not_sent",
        ]
        let told = order.compactMap { name in
            counts[name].flatMap { $0 > 0 ? "\($0) \(name == "not_sent" ? "not sent" : name)" : nil }
        }
        return told.isEmpty ? "none sent yet" : told.joined(separator: ", ")
    }
}

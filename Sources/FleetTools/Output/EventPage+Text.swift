import FleetAPI

/// What was asked for, for the words of the answer.
struct EventQuestion {
    var agent: String?
    var filter: String?
    var kinds: [String] = []
    var since = "1h"

    /// ` of web-17`, ` of agents with type:fluentd`
    fileprivate var whose: String {
        let agents = agent.map { " of \(clean($0, limit: 80))" } ?? ""
        return agents + (filter.map { " of agents with \(clean($0, limit: 200))" } ?? "")
    }
}

extension EventPage {
    /// The kinds that are named in the first line.
    private static var kindLimit: Int { 8 }

    func text(_ asked: EventQuestion) -> String {
        let stamp = "; \(clock(asOf))"
        let total = counts.map { $0.values.reduce(0, +) }
        if events.isEmpty, next == nil {
            let kinds = asked.kinds.isEmpty ? "" : " of kind \(asked.kinds.joined(separator: "|"))"
            let wayOut = asked.kinds.isEmpty && asked.filter == nil ? "" : ", or leave out kind and filter"
            return "no events\(asked.whose)\(kinds) since \(clean(asked.since, limit: 40))\(stamp); "
                + "ask for a longer time, such as since=7d\(wayOut)"
        }
        var lines: [String] = []
        if let total, let counts {
            lines.append(
                "\(total) event\(total == 1 ? "" : "s")\(asked.whose) since \(clean(asked.since, limit: 40)): "
                    + told(counts) + stamp)
        } else {
            lines.append("more events\(asked.whose)\(stamp)")
        }
        if !events.isEmpty { lines += eventTable(events, asOf: asOf, withAgents: asked.agent == nil).lines }
        if let next {
            let rows = total.map { "\(events.count) of \($0) rows" } ?? "\(events.count) rows"
            lines.append("… \(rows); next page: cursor=\(clean(next, limit: 500)) with the same arguments")
        }
        return lines.joined(separator: "\n")
    }

    /// `12 connected, 3 unhealthy`, the most first.
    private func told(_ counts: [String: Int]) -> String {
        let kinds = counts.filter { $0.value > 0 }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let shown = kinds.prefix(Self.kindLimit).map { "\($0.value) \(clean($0.key, limit: 32))" }
        return (shown + (kinds.count > shown.count ? ["\(kinds.count - shown.count) more kinds"] : []))
            .joined(separator: ", ")
    }
}

/// Events as rows.
///
/// - Parameter withAgents: whether the rows tell whose they are.
func eventTable(_ events: [FleetEvent], asOf now: Timestamp, withAgents: Bool) -> Table {
    let columns = [("ago", 8), ("id", 32), ("host", 40), ("event", 32), ("detail", 80)]
    let shown = withAgents ? columns : columns.filter { $0.0 != "id" && $0.0 != "host" }
    return Table(
        columns: shown.map { Table.Column(name: $0.0, limit: $0.1, isHoisted: withAgents && $0.0 != "ago") },
        rows: events.map { event in
            let whose = [event.shortID ?? event.instanceUID, event.host ?? ""]
            return [age(event.at, asOf: now)] + (withAgents ? whose : [])
                + [event.kind, event.text.map { shortTimes($0, asOf: now) } ?? ""]
        })
}

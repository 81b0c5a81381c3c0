import FleetAPI

extension Command {
    private var now: Timestamp { asOf ?? finishedAt ?? sentAt ?? queuedAt }
    private var agent: String { agentLabel(host: host, shortID: shortID) }
    private var name: String { clean(command, limit: 40) }
    private var follow: String { "outcome: command_status agent=\(clean(shortID, limit: 32))" }

    private var subject: String {
        let isAboutAgent = ["restart", "shutdown", "resync", "identify"].contains(command)
        return "\(name) \(isAboutAgent ? "of" : "to") \(agent)"
    }

    /// What became of it; the first word is the state.
    var outcome: String {
        let told =
            switch state {
            case .queued:
                "\(subject); \(waitsFor); expires in \(age(expiresAt - now)); \(follow)"
            case .sent:
                "\(subject) \(age(sentAt, asOf: now)) ago, no proof yet; unconfirmed after \(confirmSeconds)s; "
                    + follow
            case .confirmed:
                "\(subject)\(took)\(said(evidence, result))\(healthWord)\(caveat)"
            case .failed:
                "\(subject)\(took)\(said(result, evidence))\(healthWord)"
            case .unconfirmed:
                "\(subject) was handed over, \(noProof); it may have been done\(said(result, evidence)); "
                    + "see get_agent agent=\(clean(shortID, limit: 32))"
            case .expired:
                "\(subject) was never handed over in \(age(expiresAt - queuedAt))\(said(result)); safe to repeat"
            case .cancelled:
                "\(subject) before it was handed over\(said(result))"
            }
        let note = peerNote.map { "; note: \(clean($0, limit: 200))" } ?? ""
        return "\(state.rawValue): \(told)\(note)"
    }

    /// Who asked for it, when, and its id.
    var origin: String {
        let who = requestedBy.map { " by \(clean($0, limit: 40))" } ?? ""
        let whence = requestedFrom.map { " from \(clean($0, limit: 60))" } ?? ""
        return
            "asked \(age(queuedAt, asOf: now)) ago (\(clock(queuedAt)))\(who)\(whence); command_id=\(clean(id, limit: 64))"
    }

    private var waitsFor: String {
        switch agentStatus {
        case .disconnected, .stale:
            let status = agentStatus?.rawValue ?? ""
            return "\(status), last seen \(age(agentLastSeen, asOf: now)) ago: waits until it reports"
        case .connected, nil:
            guard let nextReportSeconds else { return "waits to be handed over" }
            return "waits for its next report in \(nextReportSeconds)s"
        }
    }

    private var took: String {
        guard let finishedAt else { return "" }
        return " in \(span(finishedAt - (sentAt ?? queuedAt)))"
    }

    private var noProof: String {
        proof == .nothing ? "agents report no outcome of it" : "no proof came within \(confirmSeconds)s"
    }

    private var healthWord: String {
        guard let healthAfter else { return "" }
        return healthAfter == .unknown ? "; health unknown" : "; \(healthAfter.rawValue)"
    }

    private var caveat: String {
        let text = "the agent took the record, which does not say the task is done"
        return command == "chatops" && result?.contains(text) != true ? "; \(text)" : ""
    }

    private func said(_ texts: String?...) -> String {
        let shown = texts.compactMap { $0 }.map { clean(shortTimes($0, asOf: now), limit: 160) }.filter { !$0.isEmpty }
        return shown.isEmpty ? "" : ": " + shown.joined(separator: "; ")
    }
}

/// Commands as rows, the newest first.
func commandTable(_ commands: [Command], asOf now: Timestamp, withIDs: Bool = true) -> Table {
    let columns = [("command", 40), ("state", 12), ("asked", 8), ("detail", 60), ("command_id", 64)]
    return Table(
        columns: columns.prefix(withIDs ? 5 : 4).map { Table.Column(name: $0.0, limit: $0.1, isHoisted: false) },
        rows: commands.map { command in
            [
                command.command, command.state.rawValue, age(command.queuedAt, asOf: now),
                command.result ?? command.evidence.map { shortTimes($0, asOf: now) } ?? "", command.id,
            ]
        }
    )
}

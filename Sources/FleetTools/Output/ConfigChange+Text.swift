import FleetAPI

extension OperationPlan {
    /// How many differences are shown; of the others only how many lines they are.
    private static var shownDifferences: Int { 2 }

    /// What becomes of configurations, for each group of agents whose change is the same.
    func changeLines(_ one: Agent?) -> [String] {
        guard let changes, !changes.isEmpty else { return [] }
        let more = max(changesTotal ?? 0, changes.count) - changes.count
        let shown = changes.prefix(Self.shownDifferences).flatMap { $0.lines(one) }
        let others = changes.dropFirst(Self.shownDifferences).map { $0.head(one) }
        return shown + others + (more > 0 ? ["… \(more) more different changes"] : [])
    }

    /// The same in a line each, without the difference.
    func changeHeads(_ one: Agent?) -> [String] { (changes ?? []).map { $0.head(one) } }
}

extension ConfigChange {
    private var difference: LineDiff { LineDiff(from: cutLines(before), to: cutLines(after)) }

    /// `3 agents: fluent-bit.conf (desired): +1 -1 lines`
    fileprivate func head(_ diff: LineDiff, _ one: Agent?) -> String {
        let name = file.isEmpty ? "its one file" : clean(file, limit: 80)
        let whom = one == nil ? "\(agentCount(agents)): " : ""
        let hidden = isHidden ? "; all that differs is masked" : ""
        return "\(whom)\(name) (\(clean(base, limit: 12))): +\(diff.added) -\(diff.removed) lines\(hidden)"
    }

    fileprivate func head(_ one: Agent?) -> String { head(difference, one) }

    fileprivate func lines(_ one: Agent?) -> [String] {
        let diff = difference
        let head = head(diff, one)
        guard !diff.hunks.isEmpty else { return [head] }
        var fence = Fence(origin: first.first?.label ?? "agents")
        var isWhole = true
        for hunk in diff.hunks where isWhole {
            isWhole = fence.add("", hunk.head)
            for line in hunk.lines where isWhole { isWhole = fence.add(String(line.kind.rawValue), line.text) }
        }
        return [head, fence.text] + (isWhole ? [] : ["… the difference is too long to be shown whole"])
    }
}

/// The lines of a text without their ends.
private func cutLines(_ text: String) -> [Substring] {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines
}

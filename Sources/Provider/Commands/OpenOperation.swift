import FleetAPI
import JSON
import OpAMP

/// One command for many agents: decides whose turn it is, and when to stop. Does nothing itself.
///
/// Agents that are connected come first, in the order of their uids, then the others. Never more than `maxInFlight`
/// commands are queued or sent at one time; one for an agent that stays away gives its place back when it expires.
struct OpenOperation: RESTObject {
    struct Target: Sendable, Equatable {
        let uid: InstanceUID
        var state = TargetState.waiting
        /// The id of its command, once there is one.
        var commandID: InstanceUID?
        /// Why it was skipped.
        var reason: String?
    }

    /// How many of the agents that were not connected are asked about again before one gets its turn.
    private static let lookAhead = 1_000

    var id = ""
    var state = OperationState.running
    var order = CommandOrder()
    var filter = ""
    var digest = ""
    var maxInFlight = 10
    var stopAfterFailures = 3
    var startedAt = Timestamp(seconds: 0)
    var finishedAt: Timestamp?
    /// Why it was stopped or cancelled.
    var reason: String?
    /// The configurations it offers; nil for commands that carry none.
    var offers: OperationOffers?
    /// By uid; stored apart from the rest.
    private(set) var targets: [Target] = []
    private(set) var counts: [TargetState: Int] = [:]

    /// Whether nothing of it may go out yet because it is not on disk.
    var isHeld = false
    /// Where the search for agents whose turn has come goes on: over all, then over those that were not connected.
    private var nextTarget = 0
    private var absent: [Int] = []
    private var nextAbsent = 0

    init() {}

    mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("id", &id)
        try coder.required("state", &state)
        try coder.required("order", &order)
        try coder.field("filter", &filter)
        try coder.field("digest", &digest)
        try coder.field("max_in_flight", &maxInFlight)
        try coder.field("stop_after_failures", &stopAfterFailures)
        try coder.field("started_at", &startedAt)
        try coder.field("finished_at", &finishedAt)
        try coder.field("reason", &reason)
        try coder.field("offers", &offers)
    }

    /// Takes its agents, as they are at the start or as they are stored.
    mutating func take(_ targets: [Target]) {
        self.targets = targets
        counts = [:]
        for target in targets { counts[target.state, default: 0] += 1 }
    }

    /// All but the targets: their counts are kept.
    var withoutTargets: OpenOperation {
        var copy = self
        (copy.targets, copy.absent) = ([], [])
        return copy
    }

    var inFlight: Int { counts[.queued, default: 0] + counts[.sent, default: 0] }

    /// Those that failed, expired or were not confirmed; a command that nothing can prove is not expected to be.
    var failures: Int {
        TargetState.allCases.reduce(0) { $0 + (isFailure($1) ? counts[$1, default: 0] : 0) }
    }

    /// Whether nothing more will happen but late proof.
    var isSettled: Bool { state != .running && inFlight == 0 }

    /// The next agent that gets the command, if there is room for one more.
    ///
    /// - Parameter isConnected: whether an agent can be reached now.
    /// - Returns: its place among the targets; each is given out once.
    mutating func next(isConnected: (InstanceUID) -> Bool) -> Int? {
        guard state == .running, inFlight < maxInFlight, failures < stopAfterFailures else { return nil }
        while nextTarget < targets.count {
            let target = nextTarget
            nextTarget += 1
            guard targets[target].state == .waiting else { continue }
            if isConnected(targets[target].uid) { return target }
            absent.append(target)
        }
        guard nextAbsent < absent.count else { return nil }
        // One that has come back meanwhile goes first.
        let near = nextAbsent..<min(nextAbsent + Self.lookAhead, absent.count)
        if let back = near.first(where: { isConnected(targets[absent[$0]].uid) }) { absent.swapAt(nextAbsent, back) }
        nextAbsent += 1
        return absent[nextAbsent - 1]
    }

    /// Notes what became of one target.
    mutating func note(_ state: TargetState, of target: Int, commandID: InstanceUID? = nil, reason: String? = nil) {
        guard targets.indices.contains(target) else { return }
        counts[targets[target].state, default: 0] -= 1
        counts[state, default: 0] += 1
        targets[target].state = state
        if let commandID { targets[target].commandID = commandID }
        targets[target].reason = reason.map { $0.prefixUTF8(1024) }
    }

    /// Ends it if enough has failed, or nothing is left to do.
    ///
    /// - Returns: whether it ended.
    mutating func checkEnd(at now: Moment) -> Bool {
        guard state == .running else { return false }
        if failures >= stopAfterFailures, counts[.waiting, default: 0] + counts[.queued, default: 0] > 0 {
            end(.stopped, "\(failures) of its commands failed, expired or were not confirmed", at: now)
        } else if inFlight == 0, counts[.waiting, default: 0] == 0 {
            end(.done, nil, at: now)
        }
        return state != .running
    }

    mutating func end(_ state: OperationState, _ reason: String?, at now: Moment) {
        (self.state, self.reason, finishedAt) = (state, reason, now.wall)
    }

    /// Undoes its end, which could not be written.
    mutating func goOn() {
        (state, reason, finishedAt) = (.running, nil, nil)
    }

    /// Undoes what was noted of one target last, unless something else was since.
    mutating func undo(_ after: TargetState, of target: Int, to before: TargetState) {
        guard targets.indices.contains(target), targets[target].state == after else { return }
        note(before, of: target)
    }

    /// The operation as REST shows it, but for what is known of its agents.
    var shown: FleetOperation {
        var shown = FleetOperation()
        (shown.id, shown.state, shown.reason) = (id, state, reason)
        (shown.command, shown.parameters) = (order.command, order.parameters)
        (shown.filter, shown.digest) = (filter, digest)
        (shown.maxInFlight, shown.stopAfterFailures) = (maxInFlight, stopAfterFailures)
        (shown.requestedBy, shown.requestedFrom) = (order.requestedBy, order.requestedFrom)
        (shown.startedAt, shown.finishedAt) = (startedAt, finishedAt)
        for (state, count) in counts where count > 0 {
            shown.counts[state == .waiting && self.state != .running ? "not_sent" : state.rawValue] = count
        }
        shown.targets = counts.values.reduce(0, +)
        return shown
    }

    /// The first targets whose outcome needs attention.
    func exceptions(limit: Int) -> [Target] {
        Array(targets.lazy.filter { $0.state == .skipped || isFailure($0.state) }.prefix(limit))
    }

    /// Counts of targets that are not at hand.
    mutating func take(counts: [TargetState: Int]) { self.counts = counts }

    private func isFailure(_ state: TargetState) -> Bool {
        switch state {
        case .failed, .expired: true
        case .unconfirmed: order.proof != .nothing
        default: false
        }
    }
}

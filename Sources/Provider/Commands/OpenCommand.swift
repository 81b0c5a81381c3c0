import FleetAPI
import JSON
import OpAMP

/// A command on its way: decides what each event makes of it. Spec: design, "The life of a command".
///
/// What has waited too long is decided by the monotonic clock: a wall clock that jumps neither ends a command nor keeps
/// it. Only after a start of the provider are the times that are stored all there is to go by.
struct OpenCommand: RESTObject {
    var command = Command()
    /// The start times that the agent had reported when a restart was sent, newest first, at most two.
    private var startTimesBefore: [String] = []
    /// What an `identify` offered.
    var newUID: String?
    /// Of a command that a file defined.
    var message: AcceptedMessage?
    /// Its place among the targets of its operation.
    var operationTarget: Int?

    /// Whether it must not go out yet because its `queued` is not on disk.
    var isUnwritten = false
    /// Whether the link it was handed over on is gone, so that an agent that tells ids apart may get it again.
    var isLinkLost = false
    /// On the monotonic clock: when it expires, and when waiting for the present state is over.
    private var expiry: Int64?
    private var patience: Int64?

    init() {}

    init(_ command: Command, newUID: InstanceUID? = nil) {
        (self.command, self.newUID) = (command, newUID?.description)
    }

    mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("command", &command)
        try coder.field("start_times_before", &startTimesBefore)
        try coder.field("new_uid", &newUID)
        try coder.field("message", &message)
        try coder.field("operation_target", &operationTarget)
    }

    /// Its kind; one that a file defined is what it was when the command was accepted. Nil for a name that was known to
    /// another version of the provider.
    var kind: CommandKind? {
        guard let message else { return CommandKind.all.first { $0.name == command.command } }
        return CommandKind(
            name: command.command, description: "", requirement: .custom(message.capability), proof: command.proof,
            schema: [:])
    }

    /// Whether a message of this type answers it: true when it says that it was done, false when it failed. Beside
    /// these types `success` and `failure` answer all.
    func outcome(ofReply type: String) -> Bool? {
        let parameters = command.command == CommandKind.raw ? command.parameters : [:]
        if type == message?.replyType ?? parameters["reply_type"]?.string { return true }
        if type == message?.failureType ?? parameters["failure_type"]?.string { return false }
        return nil
    }

    /// Derives from the stored times until when it waits, for one that was queued just now or read from the store.
    ///
    /// It waits no longer than it would have from its beginning, whatever the wall clock did in between.
    mutating func startWaiting(at now: Moment) {
        func deadline(_ length: Duration, from start: Timestamp) -> Int64 {
            now.monotonic + min(length, start + length - now.wall).nanoseconds
        }
        expiry = deadline(command.expiresAt - command.queuedAt, from: command.queuedAt)
        switch command.state {
        case .sent:
            patience = deadline(.seconds(command.confirmSeconds), from: command.sentAt ?? now.wall)
            command.attempts = max(1, command.attempts)
            isLinkLost = true
        case .unconfirmed: patience = deadline(FleetState.lateProofTime, from: command.finishedAt ?? now.wall)
        default: break
        }
    }

    /// Notes that the command is handed over: for the first time, or once more after its link was lost.
    mutating func send(at now: Moment, startTimes: [UInt64]) {
        command.attempts += 1
        isLinkLost = false
        guard command.state == .queued else { return }
        command.state = .sent
        command.sentAt = now.wall
        patience = now.monotonic + Duration.seconds(command.confirmSeconds).nanoseconds
        startTimesBefore = startTimes.map { String($0) }
        if command.proof == .nothing {
            finish(.unconfirmed, at: now, result: "this agent does not report the outcome of such a command")
        }
    }

    /// Undoes the last handing over, which could not be written: it never left.
    mutating func takeBack() {
        command.attempts = max(0, command.attempts - 1)
        if command.attempts > 0 {
            isLinkLost = true
            return
        }
        command.state = .queued
        (command.sentAt, command.finishedAt, command.result) = (nil, nil, nil)
    }

    /// Takes a start time reported after the command was sent.
    ///
    /// It proves a restart only if both it and the one before are dates, and the one before had not changed over the
    /// last reports: an agent that reports its uptime there changes it each time, and proves nothing.
    ///
    /// - Returns: whether the command is confirmed by it.
    mutating func reported(startTime: UInt64, at now: Moment, health: AgentHealth) -> Bool {
        guard command.proof == .startTime, awaitsProof, let before = startTimesBefore.first.flatMap({ UInt64($0) }),
            startTimesBefore.allSatisfy({ $0 == startTimesBefore[0] }),
            isPlausible(before, now), isPlausible(startTime, now), before != startTime
        else { return false }
        command.evidence = "start time \(shown(before)) → \(shown(startTime))"
        command.healthAfter = health
        finish(.confirmed, at: now, result: nil)
        return true
    }

    /// Takes what shows that a command with this kind of proof was carried out.
    mutating func proved(_ evidence: String, succeeded: Bool = true, result: String? = nil, at now: Moment) {
        command.evidence = evidence
        finish(succeeded ? .confirmed : .failed, at: now, result: result)
    }

    /// On the monotonic clock: when `checkTime` ends it, or, once it has ended, when no proof counts any more and the
    /// store alone answers for it.
    var deadline: Int64 { (command.state == .queued ? expiry : patience) ?? .max }

    /// Ends what has waited too long.
    ///
    /// - Returns: whether anything changed.
    mutating func checkTime(at now: Moment) -> Bool {
        guard now.monotonic >= deadline else { return false }
        switch command.state {
        case .queued: finish(.expired, at: now, result: "never handed over to the agent; safe to repeat")
        case .sent: finish(.unconfirmed, at: now, result: unconfirmedReason)
        default: return false
        }
        return true
    }

    /// Ends what was handed over and whose outcome will never be known.
    mutating func giveUp(_ reason: String, at now: Moment) {
        finish(.unconfirmed, at: now, result: reason)
    }

    mutating func cancel(_ reason: String, at now: Moment) {
        finish(.cancelled, at: now, result: reason)
    }

    /// Whether proof that comes now still counts.
    var awaitsProof: Bool { command.state == .sent || command.state == .unconfirmed }

    private mutating func finish(_ state: CommandState, at now: Moment, result: String?) {
        command.state = state
        command.finishedAt = now.wall
        command.result = result.map { $0.prefixUTF8(4096) }
        patience = now.monotonic + FleetState.lateProofTime.nanoseconds
    }

    private var unconfirmedReason: String {
        let waited = "handed over, but no proof came within \(command.confirmSeconds) s; it may have been done"
        guard command.proof == .startTime else { return waited }
        if startTimesBefore.isEmpty { return waited + "; the agent had not reported a start time before" }
        if Set(startTimesBefore).count > 1 {
            return waited
                + "; the agent's start time had changed between its last two reports before, as an uptime does"
        }
        return waited
    }

    /// To the millisecond: enough to tell two starts apart.
    private func shown(_ startTime: UInt64) -> Timestamp {
        Timestamp(nanoseconds: Int64(startTime / 1_000_000 * 1_000_000))
    }

    /// Whether nanoseconds since 1970 are a date of a process: after 2001, and not more than a day ahead.
    private func isPlausible(_ startTime: UInt64, _ now: Moment) -> Bool {
        startTime > 1_000_000_000_000_000_000 && startTime < UInt64(now.wall.nanoseconds + 86_400_000_000_000)
    }
}

extension OpenCommand: Equatable {
    /// By what is stored of them.
    static func == (left: OpenCommand, right: OpenCommand) -> Bool {
        left.command == right.command && left.startTimesBefore == right.startTimesBefore && left.newUID == right.newUID
            && left.message == right.message && left.operationTarget == right.operationTarget
    }
}

extension String {
    /// The longest beginning of at most that many bytes that ends between two characters.
    func prefixUTF8(_ limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var end = utf8.index(startIndex, offsetBy: limit)
        while end.samePosition(in: self) == nil { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}

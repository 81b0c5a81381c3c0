import FleetAPI
import JSON
import MCP
import Synchronization

/// What a first call said that a second one would do.
struct Plan: Sendable {
    let tool: String
    /// What the arguments of the first call mean.
    let arguments: JSON.Object
    /// The agents meant, by uid, each with what its part of the plan was made from.
    let targets: [OperationTarget]
    /// What would be done to whom, in one sentence.
    let summary: String
}

/// The plans of one session, in memory only: handles of ten random characters, for ten minutes and one use.
final class PlanBook: Sendable {
    static let lifetime = Duration.seconds(600)
    /// The most plans that wait; the oldest give way.
    static let limit = 100

    private struct State {
        var entries: [String: (plan: Plan, expires: ContinuousClock.Instant)] = [:]
        /// Handles that are good for nothing any more, the newest last, and why.
        var past: [(handle: String, why: String)] = []

        mutating func end(_ handle: String, _ why: String) {
            entries[handle] = nil
            past.append((handle, why))
            if past.count > PlanBook.limit { past.removeFirst() }
        }

        mutating func dropExpired(at time: ContinuousClock.Instant) {
            for (handle, entry) in entries where entry.expires <= time {
                end(handle, "has expired: plans are valid for 10 minutes")
            }
        }

        func plan(_ handle: String) throws(ToolFailure) -> Plan {
            if let entry = entries[handle] { return entry.plan }
            let why = past.last { $0.handle == handle }?.why ?? "is not known here"
            throw .refused(
                "plan \(clean(handle, limit: 20)) \(why)", try: "call without plan and expected_count for a new one")
        }
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> ContinuousClock.Instant

    /// - Parameter now: the clock; a test gives its own.
    init(now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.now = now
    }

    /// Keeps a plan.
    ///
    /// - Returns: its handle.
    func keep(_ plan: Plan) -> String {
        let (handle, time) = (Self.randomHandle(), now())
        state.withLock { state in
            state.dropExpired(at: time)
            if state.entries.count >= Self.limit,
                let oldest = state.entries.min(by: { $0.value.expires < $1.value.expires })?.key
            {
                state.end(oldest, "gave way to newer plans")
            }
            state.entries[handle] = (plan, time + Self.lifetime)
        }
        return handle
    }

    /// Looks at a plan, which stays until it is used: a mistaken argument can be mended.
    ///
    /// - Throws: a refusal that says what is wrong with the handle, the arguments or the count.
    func plan(
        _ handle: String, tool: String, arguments: JSON.Object, expectedCount: Int?
    ) throws(ToolFailure) -> Plan {
        let time = now()
        let found: Result<Plan, ToolFailure> = state.withLock { state in
            state.dropExpired(at: time)
            do throws(ToolFailure) { return .success(try state.plan(handle)) } catch { return .failure(error) }
        }
        let plan = try found.get()
        guard plan.tool == tool else { throw .refused("plan \(handle) is one of \(plan.tool), not of \(tool)") }
        if let name = plan.arguments.firstDifference(from: arguments) {
            throw .refused(
                "\(name) is not as in the call that made plan \(handle)",
                try: "repeat its arguments, or leave out plan and expected_count for a new one")
        }
        guard expectedCount == plan.targets.count else {
            let got = expectedCount.map { ", got \($0)" } ?? ""
            throw .refused("plan \(handle) needs expected_count: \(plan.targets.count)\(got)")
        }
        return plan
    }

    /// Uses a plan up.
    ///
    /// - Throws: a refusal when another call was faster, or it has expired meanwhile.
    func use(_ handle: String) throws(ToolFailure) {
        let time = now()
        let used: Result<Void, ToolFailure> = state.withLock { state in
            state.dropExpired(at: time)
            do throws(ToolFailure) { _ = try state.plan(handle) } catch { return .failure(error) }
            state.end(handle, "was used already")
            return .success(())
        }
        try used.get()
    }

    /// Letters and digits that are hard to mistake for each other; 50 bits.
    private static func randomHandle() -> String {
        let alphabet = Array("abcdefghijkmnpqrstuvwxyz23456789")
        var generator = SystemRandomNumberGenerator()
        return String((0..<10).map { _ in alphabet[Int(generator.next(upperBound: UInt32(alphabet.count)))] })
    }
}

extension ToolFailure {
    /// Nothing was done, and why.
    static func refused(_ why: String, try next: String? = nil) -> ToolFailure {
        ToolFailure("refused: \(why); nothing was done", try: next)
    }
}

extension JSON.Object {
    /// The name of a member that another object has not, or has with another value; nil when both are equal.
    fileprivate func firstDifference(from other: JSON.Object) -> String? {
        members.first { other[$0.key] != $0.value }?.key ?? other.members.first { self[$0.key] == nil }?.key
    }
}

import Crypto
import FleetAPI
import HTTP
import JSON
import Logging
import Synchronization

/// Sends notices to an address that people have set: batched, one request at a time, again until it is taken.
///
/// Nothing waits for it: what comes is put into a bounded queue.
final class Webhook: Sendable {
    /// The most notices that wait; then the oldest are given up.
    static let queueLimit = 20_000
    /// The most notices of one request.
    static let batchSize = 2_000
    /// For how long a request is tried again.
    static let patience = Duration.seconds(3_600)
    /// How long one attempt may take, and the longest pause before the next one.
    private static let timeout = Duration.seconds(10)
    private static let longestPause = Duration.seconds(60)

    /// How fast things go; tests have less time.
    struct Pace: Sendable {
        /// Between two requests, so that what happens to many agents within seconds goes together.
        var betweenBatches = Duration.seconds(10)
        /// After the first failure; doubled with each one.
        var firstPause = Duration.seconds(1)
    }

    private struct State {
        var queue: [Notice] = []
        var status = WebhookStatus()
        /// Given up since the last request that was taken.
        var droppedSince = 0
        var byKind: [NoticeKind: Int] = [:]
    }

    private let state = Mutex(State())
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation
    private let client: HTTPClient
    private let pace: Pace
    private let logger: Logger

    init(version: String, pace: Pace = Pace(), logger: Logger) {
        (self.pace, self.logger) = (pace, logger)
        var configuration = HTTPConfiguration()
        configuration.maxResponseBytes = 64 << 10
        configuration.userAgent = "opamp-provider/\(version)"
        client = HTTPClient(configuration)
        (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    var status: WebhookStatus {
        state.withLock { state in
            var status = state.status
            status.queued = state.queue.count
            return status
        }
    }

    /// How many notices of each kind were taken.
    var takenByKind: [NoticeKind: Int] { state.withLock { $0.byKind } }

    /// Queues notices; returns at once.
    func offer(_ notices: [Notice]) {
        guard !notices.isEmpty else { return }
        state.withLock { state in
            state.queue += notices
            Self.drop(max(0, state.queue.count - Self.queueLimit), &state)
        }
        signal.yield()
    }

    /// Sends what is queued until the task is cancelled.
    ///
    /// - Parameters:
    ///   - settings: the address and the secret of the moment.
    ///   - done: told notices that were taken or given up.
    func run(settings: @Sendable () -> ProviderSettings, done: @Sendable ([Notice]) -> Void) async {
        for await _ in signals {
            while !Task.isCancelled, let batch = nextBatch() {
                if await deliver(batch, settings) { done(batch.notices) }
                try? await Task.sleep(for: pace.betweenBatches)
            }
            if Task.isCancelled { return }
        }
    }

    private static func drop(_ count: Int, _ state: inout State) {
        guard count > 0 else { return }
        state.queue.removeFirst(count)
        state.status.dropped += count
        state.droppedSince += count
    }

    private func nextBatch() -> NoticeBatch? {
        state.withLock { state in
            guard !state.queue.isEmpty else { return nil }
            var batch = NoticeBatch()
            batch.id = hex((0..<16).map { _ in UInt8.random(in: 0...255) })
            batch.notices = Array(state.queue.prefix(Self.batchSize))
            for notice in batch.notices { batch.counts[notice.kind.rawValue, default: 0] += 1 }
            state.queue.removeFirst(batch.notices.count)
            return batch
        }
    }

    /// Sends a batch, again with growing pauses, until it is taken, refused for good or too old.
    ///
    /// - Returns: false when it was interrupted before that.
    private func deliver(_ batch: NoticeBatch, _ settings: @Sendable () -> ProviderSettings) async -> Bool {
        var batch = batch
        let start = ContinuousClock.now
        var pause = pace.firstPause
        while !Task.isCancelled {
            let settings = settings()
            guard !settings.webhookURL.isEmpty else {
                giveUp(batch, "there is no webhook_url any more")
                return true
            }
            batch.dropped = state.withLock { $0.droppedSince }
            batch.sentAt = Moment.now().wall
            guard let failure = await attempt(batch, settings) else {
                taken(batch)
                return true
            }
            if Task.isCancelled { break }
            failed(failure.reason)
            if failure.isFinal || start.duration(to: .now) >= Self.patience {
                giveUp(batch, failure.reason)
                return true
            }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, Self.longestPause)
        }
        return false
    }

    private func attempt(
        _ batch: NoticeBatch, _ settings: ProviderSettings
    ) async -> (reason: String, isFinal: Bool)? {
        guard let body = try? batch.json.bytes() else { return ("it cannot be written as JSON", true) }
        let time = String(batch.sentAt.seconds)
        var headers = [
            (name: "X-OpAMP-Delivery", value: batch.id), (name: "X-OpAMP-Timestamp", value: time),
        ]
        if !settings.webhookSecret.isEmpty {
            let signature = Self.signature(of: body, at: time, secret: settings.webhookSecret)
            headers.append((name: "X-OpAMP-Signature", value: signature))
        }
        do {
            let request = HTTPRequest(
                .post, settings.webhookURL, headers: headers, body: body, timeout: Self.timeout)
            let status = try await client.send(request).status
            if (200..<300).contains(status) { return nil }
            // Wrong addresses and credentials can be put right meanwhile; what cannot be read stays so.
            let isFinal = (400..<500).contains(status) && ![401, 403, 404, 408, 425, 429].contains(status)
            return ("it was answered with status \(status)", isFinal)
        } catch {
            return ("\(error)", false)
        }
    }

    /// `v1=` and the HMAC-SHA256, as hex, of the time, a full stop and the body.
    static func signature(of body: [UInt8], at time: String, secret: String) -> String {
        var code = HMAC<SHA256>(key: SymmetricKey(data: Array(secret.utf8)))
        code.update(data: Array("\(time).".utf8))
        code.update(data: body)
        return "v1=" + hex(code.finalize())
    }

    private func taken(_ batch: NoticeBatch) {
        let recovered = state.withLock { state in
            defer { (state.status.lastError, state.status.lastSuccess) = (nil, batch.sentAt) }
            state.status.delivered += 1
            state.droppedSince -= batch.dropped
            for notice in batch.notices { state.byKind[notice.kind, default: 0] += 1 }
            return state.status.lastError != nil
        }
        if recovered { logger.notice("the webhook takes notices again") }
    }

    private func failed(_ reason: String) {
        let isNew = state.withLock { state in
            defer { (state.status.lastError, state.status.lastFailure) = (reason, Moment.now().wall) }
            state.status.failed += 1
            return state.status.lastError != reason
        }
        if isNew { logger.warning("the webhook does not take notices", metadata: ["reason": "\(clean(reason))"]) }
    }

    private func giveUp(_ batch: NoticeBatch, _ reason: String) {
        state.withLock { state in
            state.status.dropped += batch.notices.count
            state.droppedSince += batch.notices.count
        }
        logger.warning(
            "notices were given up", metadata: ["count": "\(batch.notices.count)", "reason": "\(clean(reason))"])
    }
}

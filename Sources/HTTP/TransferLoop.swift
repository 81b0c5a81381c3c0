import CCurl
import Glibc
import Synchronization

/// Carries out requests on a thread of its own, which alone touches libcurl's transfers and keeps the connections.
final class TransferLoop: Sendable {
    /// Waking it is safe from any thread; everything else happens on the loop's.
    private struct Multi: @unchecked Sendable {
        let handle: UnsafeMutableRawPointer
    }

    private enum Command: Sendable {
        case start(Job)
        case cancel(Ticket)
        case stop
    }

    private struct State {
        /// nil until the first request.
        var multi: Multi?
        var commands: [Command] = []
    }

    private let state = Mutex(State())

    func start(_ job: Job) {
        if let error = post(.start(job), startingThread: true) { job.answer(.failure(error)) }
    }

    func cancel(_ ticket: Ticket) {
        ticket.isCancelled.store(true, ordering: .relaxed)
        _ = post(.cancel(ticket), startingThread: false)
    }

    /// Ends the thread; no request may be under way.
    func stop() {
        _ = post(.stop, startingThread: false)
    }

    private func post(_ command: Command, startingThread: Bool) -> HTTPError? {
        state.withLock { state in
            if state.multi == nil {
                guard startingThread else { return nil }
                if let reason = ccurl_load() { return .libraryMissing(reason: String(cString: reason)) }
                guard let handle = ccurl_multi_init() else { return .libraryMissing(reason: "out of memory") }
                let multi = Multi(handle: handle)
                guard startThread(multi) else {
                    ccurl_multi_cleanup(handle)
                    return .libraryMissing(reason: "no thread could be started")
                }
                state.multi = multi
            }
            state.commands.append(command)
            if let multi = state.multi { ccurl_multi_wakeup(multi.handle) }
            return nil
        }
    }

    private func startThread(_ multi: Multi) -> Bool {
        // OpenSSL writes to closed connections without asking for no signal.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let body = Unmanaged.passRetained(Body(loop: self, multi: multi))
        var thread = pthread_t()
        let failed = pthread_create(
            &thread, nil,
            { body in
                guard let body else { return nil }
                let value = Unmanaged<Body>.fromOpaque(body).takeRetainedValue()
                value.loop.run(value.multi.handle)
                return nil
            },
            body.toOpaque()
        )
        if failed != 0 {
            body.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    private final class Body {
        let loop: TransferLoop
        let multi: Multi

        init(loop: TransferLoop, multi: Multi) {
            (self.loop, self.multi) = (loop, multi)
        }
    }

    private func run(_ multi: UnsafeMutableRawPointer) {
        var transfers: [ObjectIdentifier: Transfer] = [:]
        while true {
            let commands = state.withLock { state in
                defer { state.commands = [] }
                return state.commands
            }
            for command in commands {
                switch command {
                case .start(let job): transfers[ObjectIdentifier(job.ticket)] = begin(job, multi)
                case .cancel(let ticket):
                    guard let transfer = transfers.removeValue(forKey: ObjectIdentifier(ticket)) else { continue }
                    ccurl_multi_remove(multi, transfer.easy)
                    transfer.fail(.cancelled)
                case .stop:
                    ccurl_multi_cleanup(multi)
                    return
                }
            }
            ccurl_multi_perform(multi)
            var code = CURLE_OK
            while let easy = ccurl_multi_next_done(multi, &code) {
                guard let transfer = Transfer.from(ccurl_get_private(easy)) else { continue }
                ccurl_multi_remove(multi, easy)
                transfers[ObjectIdentifier(transfer.ticket)] = nil
                transfer.finish(code)
            }
            ccurl_multi_poll(multi, 60_000)
        }
    }

    /// - Returns: nil when the job has ended already.
    private func begin(_ job: Job, _ multi: UnsafeMutableRawPointer) -> Transfer? {
        guard !job.ticket.isCancelled.load(ordering: .relaxed) else {
            job.answer(.failure(.cancelled))
            return nil
        }
        do throws(HTTPError) {
            let transfer = try Transfer(job)
            ccurl_multi_add(multi, transfer.easy)
            return transfer
        } catch {
            job.answer(.failure(error))
            return nil
        }
    }
}

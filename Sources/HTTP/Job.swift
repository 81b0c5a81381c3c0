import Synchronization

/// A request handed to the loop, and who waits for its end.
struct Job: Sendable {
    let ticket: Ticket
    let request: HTTPRequest
    let configuration: HTTPConfiguration
    /// Called once.
    let answer: @Sendable (Result<HTTPResponse, HTTPError>) -> Void
}

/// Stands for one job, also before and after the loop knows it.
final class Ticket: Sendable {
    let isCancelled = Atomic(false)
}

/// Requests over libcurl, on connections that are kept and used again.
///
/// libcurl is loaded at the first request. Redirects are never followed, and the token never leaves over http but to
/// this machine.
package final class HTTPClient: Sendable {
    private let configuration: HTTPConfiguration
    private let loop = TransferLoop()

    package init(_ configuration: HTTPConfiguration = HTTPConfiguration()) {
        self.configuration = configuration
    }

    deinit { loop.stop() }

    /// Sends a request and waits for the whole answer. Any number may be under way at one time.
    ///
    /// - Returns: the answer, whatever its status.
    /// - Throws: when there is none; `.cancelled` at once when the task is cancelled, the request may have arrived.
    package func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        let ticket = Ticket()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                loop.start(
                    Job(ticket: ticket, request: request, configuration: configuration) {
                        continuation.resume(returning: $0)
                    }
                )
            }
        } onCancel: {
            loop.cancel(ticket)
        }
        return try result.get()
    }
}

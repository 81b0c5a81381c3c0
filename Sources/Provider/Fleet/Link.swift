package import FleetAPI
package import OpAMP
import Synchronization

/// One conversation with an agent: a WebSocket, or one HTTP exchange. Made by the transport, compared by identity.
package final class Link: Sendable {
    package let transport: AgentTransport
    package let remoteAddress: String?
    /// What the agent showed when it began.
    package let credential: AgentCredential
    /// Writes a message that the server starts by itself; nil over HTTP, where only answers can be written.
    package let push: (@Sendable (ServerToAgent) -> Void)?
    /// Sends a ping over a WebSocket; does nothing over HTTP.
    package let ping: @Sendable () -> Void
    /// Closes the connection after what was written, a young one after a while; nothing is received on it any more. Over
    /// HTTP each exchange ends by itself.
    package let close: @Sendable () -> Void
    private let lastPong = Atomic<Int64>(0)

    package init(
        transport: AgentTransport, remoteAddress: String?, credential: AgentCredential = .none,
        push: (@Sendable (ServerToAgent) -> Void)?,
        ping: @escaping @Sendable () -> Void = {}, close: @escaping @Sendable () -> Void = {}
    ) {
        (self.transport, self.remoteAddress, self.credential) = (transport, remoteAddress, credential)
        self.push = push
        (self.ping, self.close) = (ping, close)
    }

    /// Notes that the agent answered a ping: it is there, though it says nothing.
    package func answeredPing() { answeredPing(at: .now()) }

    func answeredPing(at moment: Moment) {
        lastPong.store(moment.monotonic, ordering: .relaxed)
    }

    /// On the monotonic clock; 0 before the first answer.
    var lastAnsweredPing: Int64 { lastPong.load(ordering: .relaxed) }
}

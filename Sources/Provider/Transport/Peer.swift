import NIOCore
import NIOSSL

/// The other end of a connection, as far as the connection itself tells.
struct Peer: Sendable {
    /// Of the connection whose request is being answered.
    @TaskLocal static var current: Peer?

    let network: PeerNetwork?
    /// What it showed, if it was asked for one and it holds.
    let certificate: ClientCertificate?

    /// On the connection's event loop, after the handshake.
    ///
    /// - Parameter session: by which the connection was opened; nil: it is plain.
    init(of channel: any Channel, over session: TLSContexts.Session?) throws {
        network = PeerNetwork(channel.remoteAddress)
        guard let session, session.material.authorities != nil else {
            certificate = nil
            return
        }
        let handler = try channel.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
        certificate = handler.peerCertificate.flatMap { ClientCertificate($0, verifiedBy: session) }
    }
}

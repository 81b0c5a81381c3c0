import FleetAPI
import OpAMP

/// A sender that uses the instance uid of another agent: perhaps that agent itself over a new connection, perhaps a
/// copy of it. What it reports is not applied.
struct Rival: Sendable {
    enum Phase: Sendable, Equatable {
        /// It is being found out whether the other one is still there.
        case asking
        /// Both are there, and their names differ: it is offered an instance uid of its own.
        case duplicate
        /// It went on under the same uid: its messages are refused.
        case refused
    }

    /// The most offers of an own uid.
    static let offerLimit = 3
    /// How long the other one's WebSocket may take to answer a ping, and a rival to say its names.
    static let answerTime = Duration.seconds(5)
    /// A rival that was not heard for so long is gone.
    static let forgetTime = Duration.seconds(600)
    /// How far ahead the next number of a sender may be.
    static let numbersLeftOut: UInt64 = 8
    /// The most rivals of one agent.
    static let limit = 16

    var phase = Phase.asking
    /// Its WebSocket; nil over HTTP and once it has closed.
    var webSocket: Link?
    var remoteAddress: String?
    var isHTTP: Bool
    /// nil before it described itself.
    var names: SenderNames?
    /// The number of its last message.
    var sequence: UInt64
    /// How many messages of it came since the other one's last, a repeated one counted once.
    var messages = 1
    /// When it was first and last heard.
    let since: Moment
    var heard: Moment
    /// The uid of its own, and how many times it was offered.
    var newUID: InstanceUID?
    var offers = 0

    init(_ message: AgentToServer, _ names: SenderNames?, over link: Link, at now: Moment) {
        webSocket = link.transport == .webSocket ? link : nil
        (remoteAddress, isHTTP, self.names) = (link.remoteAddress, link.transport == .http, names)
        (sequence, since, heard) = (message.sequenceNum, now, now)
    }

    /// Notes a message of it.
    mutating func heard(_ message: AgentToServer, _ names: SenderNames?, over link: Link, at now: Moment) {
        if message.sequenceNum != sequence { messages += 1 }
        webSocket = link.transport == .webSocket ? link : nil
        (remoteAddress, isHTTP, sequence, heard) = (
            link.remoteAddress, link.transport == .http, message.sequenceNum, now
        )
        self.names = names ?? self.names
    }

    /// Who it says it is, and where from.
    var text: String {
        [names?.text, remoteAddress.map { "at \($0)" }].compactMap(\.self).joined(separator: " ").nonEmpty ?? "unknown"
    }
}

import FleetAPI
import Foundation
import OpAMP
import SwiftProtobuf
import Synchronization

@testable import Provider

/// A fleet state that is told what time it is, and what it decided so far.
struct Stage {
    static let start = Moment(wall: Timestamp("2026-11-23T10:00:00Z")!, monotonic: 1_000_000_000_000)

    var state = FleetState()
    var now = Stage.start
    var effects = FleetState.Effects()

    /// Lets time pass in steps of a second, as the provider does.
    mutating func wait(_ seconds: Int) {
        for _ in 0..<seconds {
            now = now + .seconds(1)
            state.tick(at: now, &effects)
        }
    }

    /// Sends a message of an agent and takes the answer.
    @discardableResult
    mutating func send(_ message: AgentToServer, over link: Link) -> ServerToAgent {
        reply(to: message, over: link).message
    }

    /// Sends a message of an agent and takes the whole reply.
    mutating func reply(to message: AgentToServer, over link: Link) -> AgentReply {
        state.receive(message, from: InstanceUID(bytes: message.instanceUid)!, over: link, at: now, &effects)
    }

    mutating func close(_ link: Link) { state.closed(link, at: now, &effects) }

    /// Queues a command and pushes it where the agent can be reached; gives its id.
    mutating func queue(_ name: String, for uid: InstanceUID, expires: Int = 300, confirm: Int = 60) -> String {
        var command = Command()
        command.id = "\(name)-\(state.commands.count)"
        command.command = name
        command.proof = CommandKind.all.first { $0.name == name }!.proof
        command.instanceUID = uid.description
        command.queuedAt = now.wall
        command.expiresAt = now.wall + .seconds(expires)
        command.confirmSeconds = confirm
        state.queue(OpenCommand(command), at: now, &effects)
        state.push(to: uid, at: now, &effects)
        return command.id
    }

    func command(_ id: String) -> Command? { state.commands[id]?.command }

    func vitals(_ uid: InstanceUID) -> Vitals? { state.position(of: uid).map { state.vitals[$0] } }

    func facts(_ uid: InstanceUID) -> AgentFacts? { state.position(of: uid).map { state.records[$0].facts } }

    /// The kinds of the events so far, in order.
    var events: [String] {
        effects.changes.compactMap { if case .event(let event) = $0 { event.kind } else { nil } }
    }
}

/// An agent that counts its messages.
struct Reporter {
    let uid: InstanceUID
    var host: String? = "web-17"
    var serviceInstanceID: String?
    var capabilities: AgentCapabilities = [.reportsStatus, .reportsHealth, .acceptsRestartCommand]
    private var sequence: UInt64 = 0

    init(_ number: UInt64 = 1) {
        uid = InstanceUID(high: 0x019f_0000_0000_7000, low: 0x8000_0000_0000_0000 | number)
    }

    /// A heartbeat: uid, number and capabilities.
    mutating func beat(skipping skipped: UInt64 = 0) -> AgentToServer {
        sequence += 1 + skipped
        return again()
    }

    /// The last number once more.
    func again() -> AgentToServer {
        .with {
            $0.instanceUid = uid.data
            $0.sequenceNum = sequence
            $0.capabilities = capabilities.rawValue
        }
    }

    /// Everything the agent reports.
    mutating func full(startTime: UInt64 = 1_763_000_000_000_000_000, healthy: Bool = true) -> AgentToServer {
        var message = health(startTime, healthy: healthy)
        message.agentDescription.identifyingAttributes = [
            KeyValue("service.name", "fluent-bit"), KeyValue("service.version", "5.1.1"),
        ]
        message.agentDescription.nonIdentifyingAttributes = host.map { [KeyValue("host.name", $0)] } ?? []
        if let serviceInstanceID {
            message.agentDescription.identifyingAttributes.append(KeyValue("service.instance.id", serviceInstanceID))
        }
        message.customCapabilities.capabilities = ["request:" + CustomCapability.chatOps, CustomCapability.shutdown]
        return message
    }

    mutating func health(_ startTime: UInt64, healthy: Bool = true, error: String = "") -> AgentToServer {
        var message = beat()
        message.health.healthy = healthy
        message.health.startTimeUnixNano = startTime
        message.health.lastError = error
        return message
    }
}

func webSocket() -> Link {
    Link(transport: .webSocket, remoteAddress: "127.0.0.1:1", push: { _ in })
}

func exchange() -> Link {
    Link(transport: .http, remoteAddress: "127.0.0.1:2", push: nil)
}

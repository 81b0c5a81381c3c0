import FleetAPI
import Foundation
import OpAMP
import SwiftProtobuf
import Testing

@testable import Provider

@Suite struct StoreTests {
    @Test(arguments: [true, false])
    func `everything is read as it was written`(inMemory: Bool) async throws {
        let directory = TemporaryDirectory()
        let store = try Store(directory: inMemory ? nil : directory.path)
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        var report = agent.full(healthy: false)
        report.effectiveConfig.configMap.configMap["a.conf"] = .with { $0.body = Data("[SERVICE]".utf8) }
        stage.send(report, over: link)
        let id = stage.queue("restart", for: agent.uid)
        try await write(stage.effects.changes, to: store)

        let fleet = try store.load(unconfirmedSince: stage.now.wall)
        let stored = try #require(fleet.agents.first)
        #expect(stored.record.facts == stage.facts(agent.uid))
        #expect(stored.record.uid == agent.uid && stored.sequence == 1)
        #expect(fleet.commands == [try #require(stage.state.commands[id])])
        #expect(try await store.command(id)?.command.state == .sent)
        #expect(try await store.events(of: agent.uid, limit: 9).map(\.kind) == ["unhealthy", "connected"])
        try store.close()
    }

    @Test func `commands come newest first, in pages, by agent and by state`() async throws {
        let store = try Store(directory: nil)
        var (stage, agent, other) = (Stage(), Reporter(1), Reporter(2))
        stage.send(agent.full(), over: webSocket())
        stage.send(other.full(), over: exchange())
        var ids: [String] = []
        for _ in 0..<5 {
            ids.append(stage.queue("resync", for: agent.uid))
            stage.now = stage.now + .seconds(1)
        }
        let waiting = stage.queue("resync", for: other.uid)
        try await write(stage.effects.changes, to: store)

        let first = try await store.commands(of: agent.uid, state: nil, limit: 2, after: nil)
        #expect(first.commands.map(\.command.id) == [ids[4], ids[3]] && first.matched == 5)
        let next = try await store.commands(of: agent.uid, state: nil, limit: 9, after: ids[3])
        #expect(next.commands.map(\.command.id) == [ids[2], ids[1], ids[0]])
        let queued = try await store.commands(of: nil, state: .queued, limit: 9, after: nil)
        #expect(queued.commands.map(\.command.id) == [waiting])
    }

    @Test func `a renamed agent keeps its history`() async throws {
        let store = try Store(directory: nil)
        var (stage, agent, link) = (Stage(), Reporter(), webSocket())
        stage.send(agent.full(), over: link)
        _ = stage.queue("identify", for: agent.uid)
        let offer = try #require(stage.effects.deliveries.last).message.agentIdentification.newInstanceUid
        let uid = try #require(InstanceUID(bytes: offer))
        var renamed = agent.full()
        renamed.instanceUid = offer
        stage.send(renamed, over: link)
        try await write(stage.effects.changes, to: store)
        let fleet = try store.load(unconfirmedSince: stage.now.wall)
        #expect(fleet.agents.map(\.record.uid) == [uid])
        #expect(fleet.aliases == [agent.uid: uid])
        #expect(try await store.events(of: uid, limit: 9).map(\.kind) == ["renamed", "connected"])
        #expect(try await store.commands(of: uid, state: nil, limit: 9, after: nil).matched == 1)
    }

    @Test func `a directory is for one provider, and for its owner's eyes`() throws {
        let directory = TemporaryDirectory()
        let store = try Store(directory: directory.path)
        let error = #expect(throws: StoreError.self) { try Store(directory: directory.path) }
        #expect(error?.kind == .inUse)
        let mode = { (path: String) in
            try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }
        #expect(try mode(directory.path) == 0o700)
        for file in try FileManager.default.contentsOfDirectory(atPath: directory.path) {
            #expect(try mode(directory.path + "/" + file) == 0o600, "\(file)")
        }
        try store.close()
    }

    @Test func `a directory that cannot be made is refused with its name`() {
        let error = #expect(throws: StoreError.self) { try Store(directory: "/proc/nowhere/fleet") }
        #expect(error?.kind == .directory)
        #expect(error?.description.contains("/proc/nowhere/fleet") == true)
    }

    private func write(_ changes: [Change], to store: Store) async throws {
        try await withCheckedThrowingContinuation { continuation in
            store.write(changes) { continuation.resume(with: $0) }
        }
    }
}

/// A directory of its own that is gone with the value.
final class TemporaryDirectory {
    let path = NSTemporaryDirectory() + "opamp-" + UUID().uuidString

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

import FoundationEssentials
import GRDB
import Glibc
import HTTP
import JSON
import TestSupport
import Testing

/// The provider is killed again and again, at any moment, under load; nothing that it acknowledged is lost.
///
/// `FAULT_ROUNDS` sets how often, `TEST_SEED` repeats a run as far as the machine's timing allows.
@Suite(.timeLimit(.minutes(30))) struct FaultTests {
    private static let agents = 12
    private static let writers = 4
    /// How long the fleet may take to be whole again.
    private static let wholeTime = Duration.seconds(30)

    @Test func `what was acknowledged survives a kill at any moment, and nothing reaches an agent twice`() async throws
    {
        let rounds = environment("FAULT_ROUNDS").flatMap { Int($0) } ?? 10
        try await withStage { stage in
            var random = SeededRandom()
            let ledger = FaultLedger()
            var provider = try await stage.provider()
            let absent = try await introduceAbsentAgent(stage, provider)
            let journal = "\(stage.folder)/journal"
            _ = try await stage.fleet(of: Self.agents, at: provider, "--journal", journal)
            print("fault test: \(rounds) rounds of \(FaultLoad.all.map(\.name).joined(separator: ", "))")

            for round in 1...rounds {
                let agents = try await uids(provider, but: absent)
                ledger.beginRound()
                let randoms = (0..<Self.writers).map { _ in random.fork() }
                let moment = Duration.microseconds(Int.random(in: 0...700_000, using: &random))
                await withTaskGroup(of: Void.self) { [provider] group in
                    for (number, random) in randoms.enumerated() {
                        let writer = FaultWriter(
                            number: number, provider: provider, agents: agents, absent: absent, ledger: ledger)
                        group.addTask { await load(writer, random) }
                    }
                    group.addTask {
                        try? await Task.sleep(for: moment)
                        provider.child.signal(SIGKILL)
                    }
                }
                await provider.child.end()
                try checkDatabase(stage)

                provider = try await stage.provider(port: provider.port)
                try await check(provider, ledger, isThorough: round % 10 == 0 || round == rounds)
                try await wait(for: provider)
                #expect(ledger.violations == [], "round \(round), seed \(random.seed)")
                guard ledger.violations.isEmpty else { return }
            }
            try await checkOperations(provider, ledger)
            try await checkConfigurations(provider, ledger)
            try await checkJournal(journal, provider, ledger)
            let states = Dictionary(grouping: ledger.commands.values) { "\($0.kind) \($0.state)" }.mapValues(\.count)
            let counts = "\(ledger.commands.count) commands and \(ledger.operations.count) operations"
            print("fault test: \(counts) acknowledged: \(states)")
            #expect(ledger.commands.count >= rounds)
        }
    }

    // MARK: - Before

    /// An agent that has gone, for what waits.
    private func introduceAbsentAgent(_ stage: Stage, _ provider: Provider) async throws -> String {
        let fleet = try await stage.fleet(of: 1, seed: 99, at: provider)
        fleet.signal(SIGTERM)
        _ = await fleet.exitCode()
        _ = try await provider.wait(for: "fleet") { $0["status"]?["disconnected"] == 1 }
        return try #require(try await provider.agents().first?["instance_uid"]?.string)
    }

    private func uids(_ provider: Provider, but absent: String) async throws -> [String] {
        let all = try await provider.agents().compactMap { $0["instance_uid"]?.string }.sorted()
        try #require(all.count == Self.agents + 1)
        return all.filter { $0 != absent }
    }

    /// Asks until the provider is gone.
    private func load(_ writer: FaultWriter, _ random: SeededRandom) async {
        var random = random
        do {
            while true { try await FaultLoad.all.randomElement(using: &random)?.ask(writer, &random) }
        } catch {}
    }

    // MARK: - After

    /// Checks the files as the killed process left them, in a copy: the provider goes on with the others.
    private func checkDatabase(_ stage: Stage) throws {
        let copy = "\(stage.folder)/copy"
        try? FileManager.default.removeItem(atPath: copy)
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
        for end in ["", "-wal"] where FileManager.default.fileExists(atPath: "\(stage.folder)/data/fleet.sqlite\(end)")
        {
            try FileManager.default.copyItem(
                atPath: "\(stage.folder)/data/fleet.sqlite\(end)", toPath: "\(copy)/fleet.sqlite\(end)")
        }
        let database = try DatabaseQueue(path: "\(copy)/fleet.sqlite")
        let findings = try database.read { try String.fetchAll($0, sql: "PRAGMA integrity_check") }
        #expect(findings == ["ok"])
        try database.close()
    }

    /// Checks what the next provider knows against what was acknowledged.
    ///
    /// - Parameter isThorough: looks at every command there ever was, else at those of the last round.
    private func check(_ provider: Provider, _ ledger: FaultLedger, isThorough: Bool) async throws {
        var missing = isThorough ? Set(ledger.commands.keys) : ledger.recent
        try await eachCommand(of: provider) { command in
            ledger.saw(command)
            missing.remove(command["id"]?.string ?? "")
            return !missing.isEmpty
        }
        for id in missing { ledger.complain("command \(id) is lost") }

        for (key, request, path, id) in ledger.keys {
            let again = try await provider.ask(
                .post, path, try JSON(parsing: request), key: key, accepting: 202
            ) { ledger.complain($0) }
            if again?["id"]?.string != id { ledger.complain("the key of \(id) stands for \(again?.text ?? "nothing")") }
        }
        for name in ledger.registers {
            switch name.split(separator: " ").first {
            case "label":
                let agent = try await provider.get("agents/\(name.split(separator: " ")[1])")["agent"]
                ledger.found(name, agent?["labels"]?["round"]?.string)
            case "settings":
                ledger.found(name, try await provider.get("settings")["keep_events_days"]?.integer.map { "\($0)" })
            case "admission":
                let blocked = try await provider.get("approvals?admission=blocked")["matched"]?.integer
                ledger.found(name, blocked == 1 ? "blocked" : "approved")
            case "config":
                let config = try await provider.get("agents/\(name.split(separator: " ")[1])/config?which=desired")
                ledger.found(name, config["desired"]?["files"]?["fluent-bit.conf"]?["content"]?.string)
            case "heartbeat":
                let uid = name.split(separator: " ")[1]
                let settings = try await provider.get("agents/\(uid)/connection-settings")["desired"]?["settings"]
                ledger.found(name, settings?["heartbeat_seconds"]?.integer.map { "\($0)" })
            default: ledger.complain("\(name) is not looked at")
            }
        }
    }

    /// Waits until every operation has ended, each agent having got its command at most once.
    private func checkOperations(_ provider: Provider, _ ledger: FaultLedger) async throws {
        for id in ledger.operations {
            let deadline = ContinuousClock.now + Self.wholeTime
            var operation = try await provider.get("operations/\(id)?wait_seconds=5")
            while operation["state"] == "running", ContinuousClock.now < deadline {
                operation = try await provider.get("operations/\(id)?wait_seconds=5")
            }
            ledger.sawOperation(operation)
            if operation["state"] == "running" { ledger.complain("an operation never ends: \(operation.text)") }
            let targets = operation["targets"]?.integer ?? 0
            let counts = operation["counts"]?.object?.members.compactMap(\.value.integer) ?? []
            if counts.reduce(0, +) != targets { ledger.complain("targets are lost: \(operation.text)") }
            let commands = try await provider.get("commands?limit=1000&operation=\(id)")["commands"]?.array ?? []
            if Set(commands.compactMap { $0["instance_uid"]?.string }).count != commands.count {
                ledger.complain("an agent of \(id) got two commands")
            }
        }
        #expect(ledger.violations == [])
    }

    /// Waits until every agent runs on the configuration that was acknowledged last.
    private func checkConfigurations(_ provider: Provider, _ ledger: FaultLedger) async throws {
        for name in ledger.registers where name.hasPrefix("config ") {
            let deadline = ContinuousClock.now + Self.wholeTime
            while true {
                let config = try await provider.get("agents/\(name.split(separator: " ")[1])/config")
                guard let desired = config["desired"] else { break }
                if desired["state"] == "applied", config["reported"]?["hash"] == desired["hash"] { break }
                guard ContinuousClock.now < deadline else {
                    ledger.complain("not applied: \(config.text)")
                    break
                }
                try Task.checkCancellation()
            }
        }
        #expect(ledger.violations == [])
    }

    /// Waits until every agent is back.
    private func wait(for provider: Provider) async throws {
        let deadline = ContinuousClock.now + Self.wholeTime
        while true {
            let fleet = try await provider.get("fleet")
            if fleet["total"] == .integer(Self.agents + 1), fleet["status"]?["connected"] == .integer(Self.agents) {
                return
            }
            try #require(ContinuousClock.now < deadline, "the fleet is not whole: \(fleet.text)")
            try Task.checkCancellation()
        }
    }

    /// Checks what agents received against the commands that the provider knows: those too that were never answered.
    private func checkJournal(_ path: String, _ provider: Provider, _ ledger: FaultLedger) async throws {
        var restarts: [String: Int] = [:]
        var ids: [String: Int] = [:]
        // They know what they have done, and so may be told again.
        let remembering = Set(try await provider.agents("capability:*command_ids*").map { $0["instance_uid"]?.string })
        for line in try contents(of: path).split(separator: "\n") {
            let entry = try JSON(parsing: String(line))
            if let id = entry["id"]?.string {
                if entry["repeated"] == true, remembering.contains(entry["uid"]?.string) { continue }
                ids[id, default: 0] += 1
            } else if entry["kind"] == "restart" {
                restarts[entry["uid"]?.string ?? "", default: 0] += 1
            }
        }
        var handedOver: [String: Int] = [:]
        try await eachCommand(of: provider) { command in
            let isSent = ["sent", "confirmed", "failed", "unconfirmed"].contains(command["state"]?.string)
            let id = command["id"]?.string ?? ""
            if !isSent, ids[id] != nil { ledger.complain("\(id) was received and is \(command["state"]?.text ?? "")") }
            if isSent, command["command"] == "restart" {
                handedOver[command["instance_uid"]?.string ?? "", default: 0] += 1
            }
            return true
        }
        #expect(!restarts.isEmpty && !ids.isEmpty)
        for (id, count) in ids where count > 1 { ledger.complain("\(id) was received \(count) times") }
        for (uid, count) in restarts where count > handedOver[uid, default: 0] {
            ledger.complain("\(uid) received \(count) restarts of \(handedOver[uid, default: 0])")
        }
        #expect(ledger.violations == [])
    }

    /// Goes through all commands, newest first, until told to stop.
    private func eachCommand(of provider: Provider, _ look: (JSON) -> Bool) async throws {
        var next: String?
        repeat {
            let page = try await provider.get("commands?limit=1000" + (next.map { "&cursor=\($0)" } ?? ""))
            for command in page["commands"]?.array ?? [] where !look(command) { return }
            next = page["next"]?.string
        } while next != nil
    }
}

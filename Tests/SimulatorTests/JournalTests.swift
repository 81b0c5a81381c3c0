import Glibc
import JSON
import Logging
import OpAMP
import Simulator
import Testing

@Suite struct JournalTests {
    private static let now = UnixTime(nanoseconds: 1_790_000_000_123_456_789)
    private let path = "/tmp/opamp-sim-journal-\(getpid())-\(UInt64.random(in: 0 ... .max))"

    private func lines() throws -> [JSON] {
        let file = try #require(fopen(path, "r"))
        defer { fclose(file) }
        var buffer = [CChar](repeating: 0, count: 4096)
        var lines: [JSON] = []
        while fgets(&buffer, 4096, file) != nil {
            let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            #expect(bytes.last == 10)
            lines.append(try JSON(parsing: Array(bytes.dropLast()), limit: 4096))
        }
        return lines
    }

    @Test func `each command is one line, appended to what is there`() throws {
        defer { unlink(path) }
        let uid = InstanceUID(high: 1, low: 2)
        let commands = [
            ReceivedCommand(uid: uid, kind: .restart),
            ReceivedCommand(uid: uid, kind: .chatops, id: "a\nb", isRepeated: true, isDone: false),
            ReceivedCommand(uid: uid, kind: .config, hash: "00ff"),
        ]
        for command in commands {
            try Journal(path: path).append(command, at: Self.now, logger: Logger(label: "test"))
        }
        let at: JSON = "2026-09-21T14:13:20.123Z"
        let name: JSON = "00000000000000010000000000000002"
        #expect(
            try lines() == [
                ["at": at, "done": true, "kind": "restart", "repeated": false, "uid": name],
                ["at": at, "done": false, "id": "a\nb", "kind": "chatops", "repeated": true, "uid": name],
                ["at": at, "done": true, "hash": "00ff", "kind": "config", "repeated": false, "uid": name],
            ])
    }

    @Test func `a journal that cannot be opened is refused with its path`() {
        let error = #expect(throws: JournalError.self) { try Journal(path: "/nowhere/journal") }
        #expect(error?.description == "--journal /nowhere/journal: it cannot be opened: No such file or directory")
    }
}

import Glibc
import Synchronization
import TestSupport
import Testing

@testable import ClientSetup

/// Files of clients on a real disk.
@Suite(.timeLimit(.minutes(2))) struct ConfigFileTests {
    private let folder = TemporaryFolder()
    private var path: String { "\(folder.path)/config.json" }

    private func adding(_ text: String) -> ([UInt8]) throws(ConfigRefusal) -> [UInt8] {
        { $0 + Array(text.utf8) }
    }

    @Test func `a new file is private, and missing folders are made`() throws {
        let deep = "\(folder.path)/a/b/config.json"
        #expect(try ConfigFile(path: deep).read() == nil)
        #expect(try ConfigFile(path: deep).update(adding("x")).backup == nil)
        #expect(contents(of: deep) == "x")
        #expect(mode(of: deep) == 0o600 && mode(of: "\(folder.path)/a/b") == 0o700)
        #expect(names(in: "\(folder.path)/a/b") == ["config.json"])
    }

    @Test(arguments: [0o600, 0o640, 0o644] as [mode_t])
    func `mode and link stay, and what was is kept beside it`(mode expected: mode_t) throws {
        let real = "\(folder.path)/real.json"
        put("old", at: real, mode: expected)
        #expect(symlink("real.json", path) == 0)
        let backup = try #require(try ConfigFile(path: path).update(adding("+new")).backup)
        #expect(contents(of: real) == "old+new" && contents(of: backup) == "old")
        #expect(mode(of: real) == expected && mode(of: backup) == expected)
        var status = stat()
        #expect(lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
        let second = try #require(try ConfigFile(path: path).update(adding("+2")).backup)
        #expect(backup != second && contents(of: backup) == "old" && contents(of: second) == "old+new")
        #expect(names(in: folder.path).count == 4)
    }

    @Test func `nothing is written when nothing changes`() throws {
        put("same", at: path)
        var before = stat()
        stat(path, &before)
        #expect(try ConfigFile(path: path).update { (old) throws(ConfigRefusal) in old }.backup == nil)
        var after = stat()
        stat(path, &after)
        #expect(before.st_ino == after.st_ino && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec)
        #expect(names(in: folder.path) == ["config.json"])
    }

    @Test func `a change that is refused leaves the file alone`() {
        put("old", at: path)
        #expect(throws: ConfigRefusal("no")) {
            try ConfigFile(path: path).update { (_) throws(ConfigRefusal) in throw ConfigRefusal("no") }
        }
        #expect(contents(of: path) == "old" && names(in: folder.path) == ["config.json"])
    }

    @Test func `what cannot be a client's file is refused`() throws {
        #expect(throws: ConfigRefusal("\(folder.path) is not a file")) {
            try ConfigFile(path: folder.path).update(adding("x"))
        }
        #expect(symlink("nowhere", path) == 0)
        #expect(throws: ConfigRefusal("\(path) is a link to a file that is not there")) {
            try ConfigFile(path: path).update(adding("x"))
        }
        let fifo = "\(folder.path)/fifo"
        #expect(mkfifo(fifo, 0o600) == 0)
        #expect(throws: ConfigRefusal("\(fifo) is not a file")) { try ConfigFile(path: fifo).read() }
        put("x", at: "\(folder.path)/plain")
        #expect(throws: ConfigRefusal.self) {
            try ConfigFile(path: "\(folder.path)/plain/config.json").update(adding("x"))
        }
    }

    @Test func `a program that writes meanwhile loses nothing`() throws {
        put("old", at: path)
        var calls = 0
        let backup = try ConfigFile(path: path).update { (old) throws(ConfigRefusal) in
            calls += 1
            // As clients do: without asking anybody.
            if calls == 1 { put("theirs", at: path) }
            return old + Array("+ours".utf8)
        }.backup
        #expect(calls == 2 && contents(of: path) == "theirs+ours")
        #expect(contents(of: try #require(backup)) == "theirs")
        #expect(names(in: folder.path).count == 2)
    }

    @Test func `a file that appears meanwhile is not written over`() throws {
        var calls = 0
        _ = try ConfigFile(path: path).update { (old) throws(ConfigRefusal) in
            calls += 1
            if calls == 1 { put("theirs", at: path) }
            return old + Array("+ours".utf8)
        }
        #expect(contents(of: path) == "theirs+ours")
    }

    @Test func `many writers at one time lose nothing`() async throws {
        let file = ConfigFile(path: path)
        let (ends, ended) = AsyncStream<Bool>.makeStream()
        for number in 0..<16 {
            onOwnThread {
                let done: ConfigFile.Written?
                done = try? file.update { (old) throws(ConfigRefusal) in old + Array("<\(number)>".utf8) }
                ended.yield(done != nil)
            }
        }
        var count = 0
        for await isDone in ends {
            #expect(isDone)
            count += 1
            if count == 16 { break }
        }
        let text = try #require(contents(of: path))
        for number in 0..<16 { #expect(text.contains("<\(number)>")) }
        // One backup for each but the first, and nothing else.
        #expect(names(in: folder.path).count == 16)
    }
}

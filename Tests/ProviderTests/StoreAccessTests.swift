import Foundation
import Glibc
import Testing

@testable import Provider

/// What is stored is for the eyes of its owner.
@Suite struct StoreAccessTests {
    private let directory = TemporaryDirectory()

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    /// The modes of all files in the directory that are open to others.
    private var open: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: directory.path)
                .filter { mode(directory.path + "/" + $0) & 0o077 != 0 && $0 != "clean-stop" }
        }
    }

    @Test func `a new directory and all in it are for its owner alone`() async throws {
        let store = try Store(directory: directory.path + "/a/b")
        try await store.commit([])
        #expect(mode(directory.path + "/a/b") == 0o700)
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/a/b")
        #expect(files.contains("fleet.sqlite-wal"))
        for file in files { #expect(mode(directory.path + "/a/b/" + file) & 0o077 == 0, "\(file)") }
        try store.close()
    }

    @Test func `a directory and a database that are open to others are closed, and that is told`() async throws {
        try Store(directory: directory.path).close()
        let database = directory.path + "/fleet.sqlite"
        try #require(chmod(directory.path, 0o755) == 0 && chmod(database, 0o644) == 0)
        let held = try StoreDirectory(directory.path)
        #expect(held.closedToOthers == ["\(directory.path) (0755)", "\(database) (0644)"])
        #expect(mode(directory.path) == 0o700 && mode(database) == 0o600)
        held.release()
        #expect(try open == [])
        #expect(try StoreDirectory(directory.path).closedToOthers == [])
    }

    @Test func `an empty directory is closed, one with other things in it is left alone and refused`() throws {
        try FileManager.default.createDirectory(
            atPath: directory.path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o775])
        try #require(chmod(directory.path, 0o775) == 0)
        #expect(try StoreDirectory.close(directory.path) == ["\(directory.path) (0775)"])
        try #require(chmod(directory.path, 0o755) == 0)
        try Data("mine".utf8).write(to: URL(filePath: directory.path + "/notes.txt"))
        let error = try #require(throws: StoreError.self) { try StoreDirectory(directory.path) }
        #expect(error.description.contains("chmod 700 \(directory.path)"))
        #expect(mode(directory.path) == 0o755)
    }

    @Test func `why a directory cannot be closed is told as the system says it`() {
        let foreign = StoreDirectory.notClosed("/data", "0755", EPERM).description
        #expect(foreign.contains("belongs to somebody else") && foreign.contains("chmod 700 /data"))
        let fixed = StoreDirectory.notClosed("/data", "0755", EROFS).description
        #expect(fixed.contains("ead-only file system") && !fixed.contains("chmod"))
    }
}

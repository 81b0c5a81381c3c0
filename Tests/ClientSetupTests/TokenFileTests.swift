import Glibc
import Testing

@testable import ClientSetup

@Suite struct TokenFileTests {
    /// Calls `body` with a file of this content and mode, which is gone afterwards.
    private func withFile<Result>(_ text: String, mode: mode_t = 0o600, _ body: (String) throws -> Result) throws
        -> Result
    {
        var path = Array("/tmp/token-XXXXXX".utf8CString)
        let descriptor = mkstemp(&path)
        try #require(descriptor >= 0)
        let name = String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer {
            close(descriptor)
            unlink(name)
        }
        let bytes = Array(text.utf8)
        try #require(write(descriptor, bytes, bytes.count) == bytes.count)
        try #require(fchmod(descriptor, mode) == 0)
        return try body(name)
    }

    @Test func `a token is read without the space around it`() throws {
        #expect(try withFile(" \n s3cret-token \r\n") { try readToken(from: $0) } == "s3cret-token")
    }

    @Test(arguments: [0o644, 0o640, 0o604, 0o620, 0o602, 0o610] as [mode_t])
    func `a file that is open to others is refused with the way out`(mode: mode_t) throws {
        try withFile("s3cret", mode: mode) { path in
            let error = #expect(throws: UsageError.self) { try readToken(from: path) }
            #expect(error?.description == "--token-file \(path) is open to others; run: chmod 600 \(path)")
        }
    }

    @Test(arguments: ["", " \n", "two words", "a\nb", "\u{e9}", String(repeating: "x", count: 9_000)])
    func `a file without one token is refused, and not quoted`(text: String) throws {
        try withFile(text) { path in
            let error = #expect(throws: UsageError.self) { try readToken(from: path) }
            #expect(
                error?.description == "--token-file \(path) does not hold one token: one line of visible characters")
        }
    }

    @Test func `what is no file is refused`() {
        #expect(throws: UsageError("--token-file /tmp is not a file")) { try readToken(from: "/tmp") }
        #expect(throws: UsageError.self) { try readToken(from: "/nowhere/token") }
    }
}

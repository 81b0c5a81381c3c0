import FleetAPI
import FoundationEssentials
import Glibc
import Logging
import Testing

@testable import Provider

private let first = "first-token-0123456789"
private let second = "second-token-0123456789"

/// Writes a file of tokens in a folder of its own, and removes both.
private func withFile(_ text: String, mode: mode_t = 0o600, _ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.path + "/opamp-tokens-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/tokens"
    try write(text, to: path, mode: mode)
    try body(path)
}

/// Replaces the file, as editors do, so that it is another one at once.
private func write(_ text: String, to path: String, mode: mode_t = 0o600) throws {
    try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
    try #require(chmod(path, mode) == 0)
}

/// Hands over the tokens of a file that is gone afterwards.
func withTokenFile(_ text: String, _ body: (AgentTokens) async throws -> Void) async throws {
    try await withTokenFile(text) { tokens, _ in try await body(tokens) }
}

/// Hands over the tokens of a file that is gone afterwards, and what replaces its text.
func withTokenFile(
    _ text: String, _ body: (AgentTokens, _ replace: (String) throws -> Void) async throws -> Void
) async throws {
    let path = FileManager.default.temporaryDirectory.path + "/opamp-tokens-" + UUID().uuidString
    try write(text, to: path)
    defer { unlink(path) }
    try await body(try AgentTokens(path: path, logger: quiet)) { try write($0, to: path) }
}

private func bearer(_ token: String) -> [String] { ["Bearer " + token] }

private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

@Test func `an agent is let in with any token of the file`() throws {
    try withFile("# agents of the shop\n\n  \(first)  \n\(second)\r\n#\(first)x\n") { path in
        let tokens = try AgentTokens(path: path, logger: quiet)
        for accepted in [bearer(first), bearer(second), ["bearer \(first)"], ["BEARER  \(second)"]] {
            #expect(tokens.accept(accepted))
        }
        let wrong = [
            [], [""], [first], bearer(""), bearer(first + "x"), bearer("#\(first)x"), bearer("\(first) "),
            ["Basic \(first)"], bearer(first) + bearer(second), ["Bearer"], bearer("\(first)\n\(second)"),
        ]
        for refused in wrong { #expect(!tokens.accept(refused)) }
    }
}

@Test(arguments: [
    ("short-token\n", "line 1 "), ("# none\n\n", "no token"), ("", "no token"),
    (first + "\n" + second + " and more\n", "line 2 "), (first + "\n\nümlaut-token-0123456789\n", "line 3 "),
])
func `a file that holds no tokens is refused without a word of it`(text: String, reason: String) throws {
    try withFile(text) { path in
        let error = try #require(throws: AgentTokenFile.Unusable.self) { try AgentTokens(path: path, logger: quiet) }
        #expect(error.description.contains(reason))
        #expect(error.description.contains(path))
        for word in ["short", "first", "second", "mlaut", "and more"] { #expect(!error.description.contains(word)) }
    }
}

@Test(arguments: [0o640, 0o604, 0o620, 0o644] as [mode_t])
func `a file that is open to others is refused with the way out`(mode: mode_t) throws {
    try withFile(first, mode: mode) { path in
        let error = try #require(throws: AgentTokenFile.Unusable.self) { try AgentTokens(path: path, logger: quiet) }
        #expect(error.description.hasSuffix("run: chmod 600 \(path)"))
        #expect(throws: AgentTokenFile.Unusable.self) { try AgentTokens(path: path + "-missing", logger: quiet) }
    }
}

@Test func `a changed file is read again, at most once a second, and one that cannot be used changes nothing`() throws {
    try withFile(first) { path in
        let start = Moment.now() + .seconds(10)
        let tokens = try AgentTokens(path: path, logger: quiet)
        #expect(tokens.accept(bearer(first), at: start))
        try write(second, to: path)
        #expect(tokens.accept(bearer(first), at: start + .milliseconds(999)))
        #expect(tokens.accept(bearer(second), at: start + .seconds(1)))
        #expect(!tokens.accept(bearer(first), at: start + .seconds(1)))
        try write("broken\n", to: path)
        #expect(tokens.accept(bearer(second), at: start + .seconds(3)))
        try write(first, to: path, mode: 0o644)
        #expect(tokens.accept(bearer(second), at: start + .seconds(5)))
        try write(first, to: path)
        #expect(tokens.accept(bearer(first), at: start + .seconds(7)))
        #expect(!tokens.accept(bearer(second), at: start + .seconds(7)))
        try #require(unlink(path) == 0)
        #expect(tokens.accept(bearer(first), at: start + .seconds(9)))
    }
}

@Test func `what a connection was opened with is in force as long as the file holds that token`() throws {
    try withFile(first + "\n" + second) { path in
        let start = Moment.now() + .seconds(10)
        let tokens = try AgentTokens(path: path, logger: quiet)
        let grants = [first, second].map { tokens.grant(bearer($0)) }
        #expect(grants.map { $0.isInForce(at: start) } == [true, true])
        for shown in [[], [""], bearer(first + "x"), ["Basic \(first)"]] {
            #expect(!tokens.grant(shown).isInForce(at: start))
        }
        try write(second, to: path)
        #expect(grants.map { $0.isInForce(at: start + .seconds(1)) } == [false, true])
        try write("broken\n", to: path)
        #expect(grants.map { $0.isInForce(at: start + .seconds(3)) } == [false, true])
        try write(first, to: path)
        #expect(grants.map { $0.isInForce(at: start + .seconds(5)) } == [true, false])
    }
}

import FoundationEssentials
import Glibc
import JSON
import TestSupport
import Testing

/// A recorded conversation with `opamp-mcp`: `>` lines are sent, `<` lines expected, masked; `#` lines say why.
///
/// An empty line waits until everything sent so far is answered. Answers are compared by id; those without an id, in
/// their order. Lines that are expected stand below the one that asked for them.
struct Transcript: CustomTestStringConvertible, Sendable {
    enum Line: Sendable {
        case comment(String)
        case sent(String)
        case expected(String)
        case wait
    }

    let path: String
    var lines: [Line]

    /// - Throws: when the file is not there, or a line begins with another sign.
    init(path: String) throws {
        self.path = path
        lines = try contents(of: path).split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { line in
            switch line.prefix(2) {
            case "> ": .sent(String(line.dropFirst(2)))
            case "< ": .expected(String(line.dropFirst(2)))
            case "": .wait
            case _ where line.hasPrefix("#"): .comment(String(line))
            default: throw Unreadable(path: path, line: String(line))
            }
        }
    }

    /// A transcript that nothing is expected of yet.
    init(path: String, sending lines: [Line]) {
        (self.path, self.lines) = (path, lines)
    }

    struct Unreadable: Error {
        let path: String
        let line: String
    }

    static let isRecording = environment("RECORD") == "1"

    var testDescription: String { String(path.split(separator: "/").last ?? "") }

    var text: String {
        lines.map { line in
            switch line {
            case .comment(let text): text
            case .sent(let text): "> \(text)"
            case .expected(let text): "< \(text)"
            case .wait: ""
            }
        }.map { $0 + "\n" }.joined()
    }

    /// Talks to a server as the transcript says, and ends its input.
    ///
    /// - Parameter chunk: how many bytes it is sent, and reads, at one time.
    /// - Returns: the transcript with what was really answered, masked.
    func replay(on server: Child, chunk: Int) async throws -> Transcript {
        var answers: [String] = []
        var (unsent, due) = ("", 0)
        for line in lines {
            switch line {
            case .comment, .expected: break
            case .sent(let text):
                unsent += text + "\n"
                due += isAnswered(text) ? 1 : 0
            case .wait:
                await server.send(unsent, chunk: chunk)
                unsent = ""
                while answers.count < due { answers.append(try await server.line()) }
            }
        }
        await server.send(unsent, chunk: chunk)
        server.endInput()
        answers += await server.remainingLines()
        return Transcript(path: path, sending: arranged(answers))
    }

    /// The lines with each answer below what asked for it, and what nothing asked for at the end.
    private func arranged(_ answers: [String]) -> [Line] {
        var rest = answers.map { (id: id(of: $0), text: masked($0)) }
        var arranged: [Line] = []
        for line in lines {
            if case .expected = line { continue }
            arranged.append(line)
            guard case .sent(let text) = line, isAnswered(text),
                let index = rest.firstIndex(where: { $0.id == id(of: text) })
            else { continue }
            arranged.append(.expected(rest.remove(at: index).text))
        }
        return arranged + rest.map { .expected($0.text) }
    }

    /// The id as it is written back; nil where none can be read.
    private func id(of line: String) -> String? {
        switch JSON.topLevelMember("id", in: Array(line.utf8)) {
        case .string(let text): "\"\(text)\""
        case .integer(let number): "\(number)"
        default: nil
        }
    }

    /// Whether a line asks for an answer: notifications and answers do not, whatever cannot be read does.
    private func isAnswered(_ line: String) -> Bool {
        guard let message = try? JSON(parsing: line), message.object != nil else { return true }
        return message["id"] != nil && (message["method"] != nil || message["result"] == nil && message["error"] == nil)
    }
}

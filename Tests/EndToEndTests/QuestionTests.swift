import FoundationEssentials
import Glibc
import HTTP
import JSON
import TestSupport
import Testing

/// The questions of `docs/questions.md`, asked of a fleet, with the answers that the fleet itself gives over REST.
@Suite(.timeLimit(.minutes(5))) struct QuestionTests {
    private struct Call {
        let tool: String
        /// JSON, with `PLAN` and `COUNT` for what the call before answered.
        let arguments: String
    }

    @Test func `each question is answered by its calls`() async throws {
        try await withStage { stage in
            let provider = try await stage.provider()
            _ = try await stage.fleet(of: 100, seed: 1, at: provider, "--unhealthy", "2")
            let leaving = try await stage.fleet(of: 3, seed: 2, at: provider)
            let old = "type:fluentd version<1.17 status:connected"
            leaving.signal(SIGTERM)
            _ = try await provider.wait(for: "fleet") { $0["status"]?["disconnected"] == 3 }
            let refuser = try #require(
                try await provider.agents("capability:AcceptsRemoteConfig -host:web-17 status:connected").first)
            let files: JSON = ["files": ["fluent-bit.conf": ["content": "[SERVICE]\n    flush 1\n# sim: fail\n"]]]
            let offer = try await provider.send(.put, "agents/\(try text(refuser, "short_id"))/config", files)
            #expect(try await provider.outcome(of: try JSON(parsing: offer.body))["state"] == "failed")

            let server = try stage.server(provider.url)
            let questions = try Self.questions()
            #expect(questions.count == 12)
            var answers: [String] = []
            for calls in questions {
                answers.append("")
                for call in calls {
                    answers[answers.count - 1] += try await ask(call, server, after: answers.last ?? "")
                }
            }

            let sick = try await provider.agents("health:unhealthy")
            #expect(sick.count == 2)
            #expect(answers[0].hasPrefix("103 agents: 98 healthy, 2 unhealthy, 3 disconnected"))
            for agent in sick {
                #expect(answers[1].contains("\(try text(agent, "short_id"))\t\(try text(agent, "host"))\t"))
            }
            #expect(answers[1].contains(try text(sick[0], "error").prefix(20)))
            #expect(answers[2].contains("\nerror\tagents"))
            for (version, count) in try await versions(provider) {
                #expect(answers[3].contains("\t\(version)\t\(count)\t"))
            }
            #expect(answers[4].contains("host exact") && answers[4].contains("health: healthy"))
            let silent = try await provider.agents("status:disconnected")
            for agent in silent { #expect(answers[5].contains("\(try text(agent, "short_id"))\t")) }
            #expect(answers[6].hasPrefix("confirmed: restart of web-17 ("))
            #expect(answers[7].contains(" 3 disconnected") && answers[7].contains("\tconfig_failed\t"))
            let config = try await provider.get("agents/web-17/config?which=effective")["effective"]?["files"]
            let content = try #require(config?.object?.members.first?.value["content"]?.string)
            let outputs = hosts(in: content)
            #expect(!outputs.isEmpty)
            for host in outputs { #expect(answers[8].contains("host=\(host)")) }
            #expect(answers[9].hasPrefix("confirmed: chatops to web-17 (") && answers[9].contains("HTTP 201"))
            let restarted = min(5, try await provider.agents(old).count)
            #expect(restarted > 0)
            #expect(answers[10].contains("\(restarted) confirmed"), "\(answers[10])")
            #expect(answers[11].contains(try text(refuser, "host")))
            #expect(answers[11].hasPrefix("1 of 103 agents"))
        }
    }

    private func ask(_ call: Call, _ server: MCPClient, after answer: String) async throws -> String {
        let plan = answer.firstMatch(of: #/plan="?(\w{10})/#).map { String($0.output.1) } ?? ""
        let count = answer.firstMatch(of: #/expected_count=(\d+)/#).map { String($0.output.1) } ?? ""
        let arguments = call.arguments.replacing("PLAN", with: plan).replacing("COUNT", with: count)
        let result = try await server.call(call.tool, try JSON(parsing: arguments))
        #expect(!result.isError, "\(call.tool) \(arguments): \(result.text)")
        return result.text + "\n"
    }

    /// The calls of each question, in the order of the document.
    private static func questions() throws -> [[Call]] {
        var (questions, isBlock): ([[Call]], Bool) = ([], false)
        for line in try contents(of: "\(packageFolder)/docs/questions.md").split(separator: "\n") {
            if line.hasPrefix("## "), line.dropFirst(3).first?.isNumber == true { questions.append([]) }
            if line.hasPrefix("```") {
                isBlock.toggle()
            } else if isBlock, let space = line.firstIndex(of: " "), !questions.isEmpty {
                let call = Call(tool: String(line[..<space]), arguments: String(line[line.index(after: space)...]))
                questions[questions.count - 1].append(call)
            }
        }
        return questions.filter { !$0.isEmpty }
    }

    private func versions(_ provider: Provider) async throws -> [(version: String, count: Int)] {
        let groups = try await provider.get("fleet?group_by=type,version")["groups"]?.array ?? []
        try #require(groups.count > 3)
        return groups.compactMap { group in
            guard let version = group["values"]?.array?.last?.string, let count = group["count"]?.integer else {
                return nil
            }
            return (version, count)
        }
    }

    /// The hosts in a configuration of either format.
    private func hosts(in content: String) -> [String] {
        content.split(separator: "\n").compactMap { line in
            line.firstMatch(of: #/^\s*[Hh]ost:?\s+'?([\w.-]+)/#).map { String($0.output.1) }
        }
    }

    private func text(_ agent: JSON, _ member: String) throws -> String { try #require(agent[member]?.string) }
}

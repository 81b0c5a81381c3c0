import FleetAPI
import HTTP
import Logging
import OpAMP
import Testing

@testable import Provider

/// Splits a text as RFC 4180 says; nil for what is no such text.
private func cells(_ text: String) -> [[String]]? {
    var rows: [[String]] = []
    var row: [String] = []
    var rest = Array(text.unicodeScalars)[...]
    while !rest.isEmpty {
        var cell = String.UnicodeScalarView()
        if rest.first == "\"" {
            rest.removeFirst()
            while true {
                guard let scalar = rest.popFirst() else { return nil }
                if scalar != "\"" {
                    cell.append(scalar)
                } else if rest.first == "\"" {
                    cell.append(rest.removeFirst())
                } else {
                    break
                }
            }
        } else {
            while let scalar = rest.first, !",\r\n\"".unicodeScalars.contains(scalar) {
                cell.append(rest.removeFirst())
            }
        }
        row.append(String(cell))
        if rest.first == "," {
            rest.removeFirst()
        } else {
            guard rest.popFirst() == "\r", rest.popFirst() == "\n" else { return nil }
            rows.append(row)
            row = []
        }
    }
    return row.isEmpty ? rows : nil
}

@Suite(.timeLimit(.minutes(5))) struct CSVTests {
    @Test(arguments: [
        ("plain", "plain"), ("a,b", "\"a,b\""), ("say \"hi\"", "\"say \"\"hi\"\"\""),
        ("two\r\nlines", "\"two\r\nlines\""),
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"),
        ("\r=1", "\"'\r=1\""), ("=a,b", "\"'=a,b\""), ("\u{1b}=1", "'=1"), ("\u{0}\u{7f}\u{9b}x", "x"), ("", ""),
        (" x", "\" x\""), ("a=b", "a=b"),
    ])
    func `a cell is quoted where it must be, and never a formula`(text: String, cell: String) {
        #expect(CSV.cell(text) == cell)
        #expect(cells(CSV.line([text, "end"]))?[0].count == 2)
    }

    @Test func `the inventory is exported with the columns and agents that were asked for`() async throws {
        try await TransportTestProvider.with { provider in
            for number: UInt64 in 1...3 {
                var agent = Reporter(number)
                agent.host = ["=cmd|'/C calc'!A0", "a \"b\", c\r\nd", "web-3"][Int(number) - 1]
                provider.fleet.receive(agent.full(healthy: number != 3), over: exchange()) { _ in }
            }
            let path = "/api/v1/agents.csv?fields=host,health,problems,type&filter=type:fluent-bit"
            let answer = try await provider.request(.get, path)
            #expect(answer.status == 200 && answer.contentType == "text/csv")
            #expect(answer.header("Content-Disposition") == "attachment; filename=\"agents.csv\"")
            let rows = try #require(cells(String(decoding: answer.body, as: UTF8.self)))
            #expect(rows[0] == ["host", "health", "problems", "type"])
            #expect(
                rows.dropFirst().sorted { $0[0] < $1[0] } == [
                    ["'=cmd|'/C calc'!A0", "healthy", "", "fluent-bit"],
                    ["a \"b\", c\r\nd", "healthy", "", "fluent-bit"],
                    ["web-3", "unhealthy", "unhealthy", "fluent-bit"],
                ])
            let all = try await provider.request(.get, "/api/v1/agents.csv?filter=health:unhealthy")
            let whole = try #require(cells(String(decoding: all.body, as: UTF8.self)))
            #expect(whole.map(\.count) == [Agent.fieldNames.count, Agent.fieldNames.count])
            #expect(whole[0] == Agent.fieldNames)
        }
    }

    @Test(arguments: [
        ("/api/v1/agents.csv?fields=host,colour", "fields"), ("/api/v1/agents.csv?fields=host,host", "fields"),
        ("/api/v1/agents.csv?limit=3", "limit"),
        ("/api/v1/agents.csv?filter=colour:red", "filter"),
    ])
    func `a wrong export is refused`(path: String, field: String) async throws {
        try await TransportTestProvider.with { provider in
            let answer = try await provider.request(.get, path)
            #expect(answer.status == 400)
            #expect(String(decoding: answer.body, as: UTF8.self).contains("\"field\":\"\(field)\""))
        }
    }

    @Test func `so many exports run at one time, and a place is given back`() throws {
        let slots = Slots(2)
        var taken = [slots.take(), slots.take()]
        #expect(taken[1] != nil && slots.take() == nil)
        taken.removeLast()
        #expect(slots.take() != nil)
    }
}

import TestSupport
import Testing

@testable import FleetAPI

@Suite struct FilterTests {
    @Test(arguments: [
        ("", "abcd"),
        ("  \t\n ", "abcd"),
        // Text: the whole value, in either case, wildcards.
        ("type:fluent-bit", "ab"),
        ("TYPE:Fluent-Bit", "ab"),
        ("type=fluentd", "c"),
        ("type:fluent", ""),
        ("type:fluent*", "abc"),
        ("host:web-*", "ab"),
        ("host:*-17", "a"),
        ("host:*eb*", "ab"),
        ("host:w*-*8", "b"),
        ("host:*", "abc"),
        ("-host:*", "d"),
        ("host:web-17|db-03", "ac"),
        ("host:\"web-17\"|'db-03'", "ac"),
        ("host:\"\"", ""),
        ("os:linux", "abc"),
        ("ip:10.0.1.*", "c"),
        ("config_hash:AABBCC", "a"),
        // Known values.
        ("status:connected", "ab"),
        ("status:stale|disconnected", "cd"),
        ("status:*connected", "abd"),
        ("-status:stale", "abd"),
        ("!status:stale", "abd"),
        ("health:unhealthy", "b"),
        ("health:UNKNOWN", "cd"),
        ("admission:pending", "c"),
        ("transport:http", "bc"),
        ("config:failed|applied", "ab"),
        ("problem:any", "bcd"),
        ("-problem:any", "a"),
        ("problem:config_failed", "b"),
        ("problem:*", "bcd"),
        ("problem:unhealthy|stale", "bc"),
        // Lists, labels and attributes.
        ("capability:reportshealth", "c"),
        ("capability:org.example.*", "c"),
        ("command:sent", "b"),
        ("command:restart", "b"),
        ("label.env:prod", "ac"),
        ("label.env:prod|staging", "abc"),
        ("LABEL.env:prod", "ac"),
        ("label.ENV:prod", ""),
        ("label.team:\"plattform süd\"", "a"),
        ("label.team:\"PLATTFORM SÜD\"", "a"),
        ("label.team:*süd", "a"),
        ("label.rack>7", "b"),
        ("label.rack>=7", "ab"),
        ("label.rack<7.5", "a"),
        ("label.rack=07", "a"),
        ("label.rack=none", "c"),
        ("attr.host.arch:arm64", "c"),
        ("attr.cpu.count>4", "ab"),
        ("attr.cpu.count:4|>10", "abc"),
        ("attr.cpu.count<1.0.0", ""),
        // Errors: a part is enough.
        ("error:refused", "b"),
        ("error:\"connection REFUSED\"", "b"),
        ("error:es-prod-3:9200", "b"),
        ("error:\"output es.*: connection refused to es-prod-*:*\"", "b"),
        ("error:refused*", ""),
        ("-error:*", "acd"),
        // Versions.
        ("version:5.1.0", "a"),
        ("version:5.1", ""),
        ("version=5.1", "a"),
        ("version==v5.1", "a"),
        ("version<5.1.1", "ac"),
        ("version<5.10", "ac"),
        ("version:<5.10", "ac"),
        ("version>5.1", "b"),
        ("version>=5.10.2", "b"),
        ("version<=5.10.2", "abc"),
        ("version>1.18", "abc"),
        ("version:1.*", "c"),
        ("version<2|>5.2", "bc"),
        ("version<99999999999999999999999", "abc"),
        ("version=5.*", "ab"),
        // Times: ages and moments.
        ("last_seen>5m", "c"),
        ("last_seen<5m", "ab"),
        ("last_seen>=10s last_seen<=20s", "ab"),
        ("last_seen:*", "abc"),
        ("first_seen>2h", "a"),
        ("first_seen>=2H", "ac"),
        ("first_seen>7d", "a"),
        ("started<1h", "b"),
        ("last_seen>2026-11-23T09:59:45Z", "a"),
        ("last_seen>2026-11-23T11:59:45+02:00", "a"),
        ("last_seen=2026-11-23T09:59:40Z", "b"),
        ("last_seen<2026-11-23T09:59:50Z", "bc"),
        // Uids.
        ("id:0190a1b2c3d47e5f8a9b0c1d2eabcdef", "b"),
        ("id:0190A1B2-C3D4-7E5F-8A9B-0C1D2EABCDEF", "b"),
        ("id:abcdef", "b"),
        ("id:0190a1", ""),
        ("id:0190a1*", "ab"),
        ("id:*ffff*", "cd"),
        // Bare words.
        ("web", "ab"),
        ("fluent", "abc"),
        ("10.0.0", "ab"),
        ("\"fb web\"", "b"),
        ("web-*", "ab"),
        ("web*|db*", "abc"),
        ("abcdef", "b"),
        ("fffff", ""),
        ("ffffff", "d"),
        ("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", "a"),
        ("-web", "cd"),
        ("*", "abcd"),
        ("-*", ""),
        // Terms must all hold.
        ("type:fluent-bit health:unhealthy host:web-* -status:stale label.env:prod|staging last_seen<5m", "b"),
        ("web -health:unhealthy", "a"),
        ("host:web-17 host:web-18", ""),
    ])
    func `a filter finds its agents`(text: String, names: String) throws {
        let filter = try Filter(text)
        #expect(String(sampleAgents.filter { filter.matches($0.agent, now: sampleNow) }.map(\.name)) == names)
    }

    @Test func `a filter is empty without terms only`() throws {
        #expect(Filter().isEmpty)
        #expect(try Filter(" ").isEmpty)
        #expect(try !Filter("*").isEmpty)
    }

    @Test(arguments: [
        ("", false), ("*", false), ("host:*", false), ("host:**", false), ("-status:stale", false),
        ("host:web-17|*", false), ("last_seen:*", false), ("host:web*", true), ("problem:any", true),
        ("web", true), ("version<5", true), ("-status:stale last_seen>5m", true), ("id:0190*", true),
    ])
    func `only a positive term that asks for something allows writing`(text: String, isPositive: Bool) throws {
        #expect(try Filter(text).hasPositiveTerm == isPositive)
    }

    @Test func `what the REST API does not tell of an agent matches nothing`() throws {
        for filter in ["capability:*", "command:*", "attr.host.arch:*"] {
            #expect(try !Filter(filter).matches(sampleAgents[2].agent.agent, now: sampleNow))
        }
        #expect(try !Filter("id:*").matches(Agent(), now: sampleNow))
    }
}

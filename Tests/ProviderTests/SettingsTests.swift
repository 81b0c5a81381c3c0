import FleetAPI
import JSON
import Logging
import Testing

@testable import Provider

@Suite struct SettingsTests {
    private let caller = Caller(name: "ann", address: "10.0.0.1:5")

    @Test func `settings have defaults, and only what is given changes`() async throws {
        let fleet = try Fleet(dataDirectory: nil, version: "1", logger: Logger(label: "test"))
        #expect(fleet.settings == ProviderSettings())
        #expect(!fleet.settings.approvalRequired && fleet.settings.forgetAfterSeconds == 604_800)
        let changed = try await fleet.change(
            settings: ["approval_required": true, "keep_events_days": nil], caller: caller)
        #expect(changed.approvalRequired && changed.keepEventsDays == 30)
        _ = try await fleet.change(settings: ["forget_after_seconds": 60], caller: caller)
        #expect(fleet.settings.approvalRequired && fleet.settings.forgetAfterSeconds == 60)
    }

    @Test(arguments: [
        ("forget_after_seconds", 59), ("forget_after_seconds", 31_536_001), ("keep_events_days", 0),
        ("keep_commands_days", 3_651), ("keep_audit_days", -1),
    ])
    func `a setting out of its range is refused and changes nothing`(name: String, value: Int) async throws {
        let fleet = try Fleet(dataDirectory: nil, version: "1", logger: Logger(label: "test"))
        let members: JSON = .object(.init([("approval_required", true), (name, .integer(value))]))
        let problem = await #expect(throws: Problem.self) { try await fleet.change(settings: members, caller: caller) }
        #expect(problem?.status == 400 && problem?.field == name && problem?.value == "\(value)")
        #expect(fleet.settings == ProviderSettings())
    }

    @Test func `settings that were answered are there after a restart`() async throws {
        let directory = TemporaryDirectory()
        /// One life of the provider, until its directory is free again.
        func life(_ body: (Fleet) async throws -> Void) async throws {
            let fleet = try Fleet(dataDirectory: directory.path, version: "1", logger: Logger(label: "test"))
            try await body(fleet)
            try fleet.store.close()
        }
        try await life {
            _ = try await $0.change(settings: ["approval_required": true, "keep_audit_days": 400], caller: caller)
        }
        try await life { fleet in
            #expect(fleet.settings.approvalRequired && fleet.settings.keepAuditDays == 400)
        }
    }
}

/// What an agent can do and says it does. Spec: OpAMP, "AgentToServer.capabilities".
package struct AgentCapabilities: OptionSet, Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package static let reportsStatus = Self(rawValue: 0x1)
    package static let acceptsRemoteConfig = Self(rawValue: 0x2)
    package static let reportsEffectiveConfig = Self(rawValue: 0x4)
    package static let acceptsPackages = Self(rawValue: 0x8)
    package static let reportsPackageStatuses = Self(rawValue: 0x10)
    package static let reportsOwnTraces = Self(rawValue: 0x20)
    package static let reportsOwnMetrics = Self(rawValue: 0x40)
    package static let reportsOwnLogs = Self(rawValue: 0x80)
    package static let acceptsOpAMPConnectionSettings = Self(rawValue: 0x100)
    package static let acceptsOtherConnectionSettings = Self(rawValue: 0x200)
    package static let acceptsRestartCommand = Self(rawValue: 0x400)
    package static let reportsHealth = Self(rawValue: 0x800)
    package static let reportsRemoteConfig = Self(rawValue: 0x1000)
    package static let reportsHeartbeat = Self(rawValue: 0x2000)
    package static let reportsAvailableComponents = Self(rawValue: 0x4000)
    package static let reportsConnectionSettingsStatus = Self(rawValue: 0x8000)

    /// The specification's names of the bits that are set, in the order of the bits; bits it does not know are left out.
    package var names: [String] {
        Self.named.filter { contains($0.bit) }.map(\.name)
    }

    private static let named: [(bit: Self, name: String)] = [
        (.reportsStatus, "ReportsStatus"),
        (.acceptsRemoteConfig, "AcceptsRemoteConfig"),
        (.reportsEffectiveConfig, "ReportsEffectiveConfig"),
        (.acceptsPackages, "AcceptsPackages"),
        (.reportsPackageStatuses, "ReportsPackageStatuses"),
        (.reportsOwnTraces, "ReportsOwnTraces"),
        (.reportsOwnMetrics, "ReportsOwnMetrics"),
        (.reportsOwnLogs, "ReportsOwnLogs"),
        (.acceptsOpAMPConnectionSettings, "AcceptsOpAMPConnectionSettings"),
        (.acceptsOtherConnectionSettings, "AcceptsOtherConnectionSettings"),
        (.acceptsRestartCommand, "AcceptsRestartCommand"),
        (.reportsHealth, "ReportsHealth"),
        (.reportsRemoteConfig, "ReportsRemoteConfig"),
        (.reportsHeartbeat, "ReportsHeartbeat"),
        (.reportsAvailableComponents, "ReportsAvailableComponents"),
        (.reportsConnectionSettingsStatus, "ReportsConnectionSettingsStatus"),
    ]
}

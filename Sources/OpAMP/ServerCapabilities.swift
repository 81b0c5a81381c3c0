/// What a server can do. Spec: OpAMP, "ServerToAgent.capabilities".
package struct ServerCapabilities: OptionSet, Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package static let acceptsStatus = Self(rawValue: 0x1)
    package static let offersRemoteConfig = Self(rawValue: 0x2)
    package static let acceptsEffectiveConfig = Self(rawValue: 0x4)
    package static let offersPackages = Self(rawValue: 0x8)
    package static let acceptsPackagesStatus = Self(rawValue: 0x10)
    package static let offersConnectionSettings = Self(rawValue: 0x20)
    package static let acceptsConnectionSettingsRequest = Self(rawValue: 0x40)

    /// The specification's names of the bits that are set, in the order of the bits; bits it does not know are left out.
    package var names: [String] {
        Self.named.filter { contains($0.bit) }.map(\.name)
    }

    private static let named: [(bit: Self, name: String)] = [
        (.acceptsStatus, "AcceptsStatus"),
        (.offersRemoteConfig, "OffersRemoteConfig"),
        (.acceptsEffectiveConfig, "AcceptsEffectiveConfig"),
        (.offersPackages, "OffersPackages"),
        (.acceptsPackagesStatus, "AcceptsPackagesStatus"),
        (.offersConnectionSettings, "OffersConnectionSettings"),
        (.acceptsConnectionSettingsRequest, "AcceptsConnectionSettingsRequest"),
    ]
}

package import FleetAPI

/// Who asks for something, and what they may do.
package struct Caller: Sendable {
    package let name: String
    /// Where from, with the port.
    package let address: String
    package let role: Role
    /// How it is known who they are.
    package let kind: SessionInfo.Kind
    /// When they have to say it anew; nil for never.
    package let expiresAt: Timestamp?

    package init(
        name: String, address: String, role: Role = .admin, kind: SessionInfo.Kind = .anonymous,
        expiresAt: Timestamp? = nil
    ) {
        (self.name, self.address, self.role) = (name, address, role)
        (self.kind, self.expiresAt) = (kind, expiresAt)
    }

    /// Who does not say who they are.
    static func anonymous(_ role: Role, from address: String) -> Caller {
        Caller(name: "anonymous", address: address, role: role)
    }
}

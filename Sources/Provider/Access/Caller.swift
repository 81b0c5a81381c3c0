package import FleetAPI

/// Who asks for something, and what they may do.
package struct Caller: Sendable {
    package let name: String
    /// Where from, with the port.
    package let address: String
    package let role: Role

    package init(name: String, address: String, role: Role = .admin) {
        (self.name, self.address, self.role) = (name, address, role)
    }
}

/// Why the store cannot be opened or written.
package struct StoreError: Error, CustomStringConvertible {
    package enum Kind: Sendable {
        /// The directory cannot be made or written.
        case directory
        /// Another provider has it.
        case inUse
        /// The database cannot be opened, read or migrated.
        case database
    }

    package let kind: Kind
    package let description: String

    init(_ kind: Kind, _ description: String) {
        (self.kind, self.description) = (kind, description)
    }
}

/// Who a token is for, what it may do, and how long. The body of `POST tokens`.
package struct TokenRequest: RESTObject, Equatable {
    /// A name has so many characters of `A-Z a-z 0-9 . _ @ -`.
    package static let nameLengths = 1...64
    /// The most days of a token that expires.
    package static let daysLimit: Int64 = 3_650

    package var name = ""
    package var role = Role.viewer
    /// How long it is good: `30m`, `12h`, `90d`, a time as `2027-01-01T00:00:00Z`, or `never`.
    package var expires = ""

    package init() {}

    package init(name: String, role: Role, expires: String) {
        (self.name, self.role, self.expires) = (name, role, expires)
    }

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("name", &name)
        try coder.required("role", &role)
        try coder.required("expires", &expires)
    }

    /// - Throws: the member that cannot be, and what is allowed.
    package func checkName() throws(ShapeError) { try Self.check(name) }

    /// - Throws: what is no name, as the member `name`, and what is allowed.
    static func check(_ name: String) throws(ShapeError) {
        let isName = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "._@-".utf8.contains(byte)
            }
        }
        guard isName, nameLengths.contains(name.utf8.count), name.lowercased() != "anonymous" else {
            throw ShapeError(
                path: "name",
                message: "must be 1 to \(nameLengths.upperBound) of A-Z, a-z, 0-9, ., _, @ and -, "
                    + "and not \"anonymous\"")
        }
    }

    /// When it ends; nil for never.
    ///
    /// - Throws: for what is no time, and for one that is past or too far away.
    package func expiry(at now: Timestamp) throws(ShapeError) -> Timestamp? {
        try Lifetime.end(expires, at: now, daysLimit: Self.daysLimit, allowsNever: true)
    }
}

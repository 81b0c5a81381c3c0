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
    package func checkName() throws(ShapeError) {
        let isName = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "._@-".utf8.contains(byte)
            }
        }
        guard isName, Self.nameLengths.contains(name.utf8.count), name.lowercased() != "anonymous" else {
            throw ShapeError(
                path: "name",
                message: "must be 1 to \(Self.nameLengths.upperBound) of A-Z, a-z, 0-9, ., _, @ and -, "
                    + "and not \"anonymous\"")
        }
    }

    /// When it ends; nil for never.
    ///
    /// - Throws: for what is no time, and for one that is past or too far away.
    package func expiry(at now: Timestamp) throws(ShapeError) -> Timestamp? {
        if expires == "never" { return nil }
        let units: [Character: Int64] = ["m": 60, "h": 3_600, "d": 86_400]
        let digits = expires.dropLast()
        var end = Timestamp(expires)
        if let unit = expires.last.flatMap({ units[$0] }), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let count = Int64(digits), count <= Self.daysLimit * 86_400
        {
            end = now + .seconds(count * unit)
        }
        guard let end, end > now, end <= now + .seconds(Self.daysLimit * 86_400) else {
            throw ShapeError(
                path: "expires",
                message: "must be a time to come within \(Self.daysLimit) days: 30m, 12h, 90d, a time as "
                    + "2027-01-01T00:00:00Z, or never")
        }
        return end
    }
}

import FleetAPI
import JSON

/// What a token of an identity provider must say, and what it stands for then. A pure value.
package struct JWTRules: Sendable {
    /// Clocks may differ by so much.
    static let leeway = Duration.seconds(60)

    package let issuer: String
    package let audience: String
    /// The claim that names the role or several; dots lead into objects where there is no claim of the whole name.
    package let roleClaim: String

    package init(issuer: String, audience: String, roleClaim: String = "role") {
        (self.issuer, self.audience, self.roleClaim) = (issuer, audience, roleClaim)
    }

    /// Why a token whose signature is right stands for nobody.
    enum Refusal: Error, Equatable {
        /// The token is not for us, not yet or no longer good, or says too little.
        case invalid(String)
        /// It is in order, but gives no role here.
        case noRole(name: String)
    }

    /// Who the claims stand for.
    ///
    /// - Throws: what is missing or wrong. Spec: RFC 7519, section 4.1.
    func identity(_ claims: JSON, at now: Timestamp) throws(Refusal) -> Doorkeeper.Identity {
        guard claims["iss"]?.string == issuer else { throw .invalid("the token is of another issuer") }
        let audiences = claims["aud"]?.array ?? claims["aud"].map { [$0] } ?? []
        guard audiences.contains(.string(audience)) else { throw .invalid("the token is for another audience") }
        guard let expiry = Self.time(claims["exp"]) else { throw .invalid("the token does not say when it expires") }
        guard now < expiry + Self.leeway else { throw .invalid("the token has expired; ask for a new one") }
        if let start = claims["nbf"] {
            guard let start = Self.time(start), start - Self.leeway <= now else {
                throw .invalid("the token is not good yet")
            }
        }
        guard let subject = claims["sub"]?.string, let name = CallerName.cleaned(subject) else {
            throw .invalid("the token does not say whose it is")
        }
        guard let role = role(in: claims) else { throw .noRole(name: name) }
        return Doorkeeper.Identity(name: name, role: role, kind: .jwt, expiresAt: expiry)
    }

    /// The highest role that the claims name.
    private func role(in claims: JSON) -> Role? {
        let value = claims[roleClaim] ?? roleClaim.split(separator: ".").reduce(claims) { $0?[String($1)] }
        let names = value?.array ?? value.map { [$0] } ?? []
        return names.compactMap { $0.string.flatMap { Role(rawValue: $0) } }.max()
    }

    /// Seconds since 1970, perhaps with a fraction; nil for what is no time within some centuries.
    private static func time(_ value: JSON?) -> Timestamp? {
        guard let seconds = value?.double, (0..<9_000_000_000).contains(seconds) else { return nil }
        return Timestamp(seconds: Int64(seconds))
    }
}

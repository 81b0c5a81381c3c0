import ArgumentParser
import Logging
import Provider

/// The flags of who may use the API, beside tokens that the provider makes.
struct AccessOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Also lets in who shows a JSON web token (RS, PS, ES or EdDSA) that a key of this set has signed. A file is \
            read again when it changes, a URL each five minutes and when a key is new. Needs --jwt-issuer and \
            --jwt-audience.
            """, valueName: "file|url"),
        transform: { text in
            do { return try JWTSource(text) } catch { throw ValidationError("\(error)") }
        })
    var jwtJwks: JWTSource?

    @Option(help: ArgumentHelp("What such a token must have as iss.", valueName: "text"))
    var jwtIssuer: String?

    @Option(help: ArgumentHelp("What such a token must have as aud, or among them.", valueName: "text"))
    var jwtAudience: String?

    @Option(
        help: ArgumentHelp(
            """
            The claim of such a token with viewer, operator or admin, or a list with one of them; the highest counts. \
            Dots lead into objects.
            """, valueName: "name"))
    var jwtRoleClaim = "role"

    func validate() throws {
        let given = [jwtJwks != nil, jwtIssuer?.isEmpty == false, jwtAudience?.isEmpty == false]
        guard given.allSatisfy({ $0 }) || jwtJwks == nil && jwtIssuer == nil && jwtAudience == nil else {
            throw ValidationError("--jwt-jwks, --jwt-issuer and --jwt-audience go together; give all three or none")
        }
        if jwtRoleClaim.isEmpty { throw ValidationError("--jwt-role-claim \"\": allowed is the name of a claim") }
    }

    /// Who the flags let in; nil where they name nobody. Its keys have been read, unless they come from a URL that does
    /// not answer yet.
    func issuer(_ logger: Logger) async throws -> JWTIssuer? {
        guard let jwtJwks, let jwtIssuer, let jwtAudience else { return nil }
        let rules = JWTRules(issuer: jwtIssuer, audience: jwtAudience, roleClaim: jwtRoleClaim)
        let issuer = JWTIssuer(source: jwtJwks, rules: rules, logger: logger)
        do { try await issuer.start() } catch { throw ValidationError("--jwt-jwks \(jwtJwks): \(error)") }
        return issuer
    }
}

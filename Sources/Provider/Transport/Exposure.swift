/// Whether a listener may be opened as it was asked for: what other machines can reach needs TLS, and who comes there has
/// to say who they are. A pure value.
package struct Exposure: Sendable {
    /// The flag of the listener, for example `--listen`.
    package let flag: String
    package let address: Authority
    package let audience: Listener.Audience
    package var hasTLS = false
    /// Whether people and programs have to say who they are.
    package var isGuarded = false
    /// Whether agents have to.
    package var isAgentGuarded = false
    package var allowsPlain = false
    package var allowsAnybody = false
    /// Where tokens of people are made; nil: in memory there are none.
    package var dataDirectory: String?

    package init(_ flag: String, _ address: Authority, for audience: Listener.Audience) {
        (self.flag, self.address, self.audience) = (flag, address, audience)
    }

    /// Why it must not be opened, and the ways out; empty when it may.
    package var refusals: [String] {
        guard !address.isLoopback else { return [] }
        var refusals: [String] = []
        if !hasTLS, !allowsPlain {
            refusals.append(
                "\(flag) \(address): other machines reach it, and without TLS what they send can be read and changed on "
                    + "the way; give --tls-cert FILE and --tls-key FILE, or --insecure-no-tls when a proxy in front of "
                    + "it speaks TLS, or listen on \(loopback)")
        }
        if audience == .everybody, !isGuarded, !allowsAnybody {
            let directory = dataDirectory.map { shellWord($0) } ?? "DIR"
            refusals.append(
                "\(flag) \(address): whoever reaches it could do everything; make a token first (opamp-provider token "
                    + "create --data-dir \(directory) --name NAME --role admin --expires 90d), or give --jwt-jwks "
                    + "FILE|URL, or --insecure-no-auth when a proxy in front of it lets in only who may, or listen on "
                    + loopback)
        }
        if !isAgentGuarded, !allowsAnybody {
            refusals.append(
                "\(flag) \(address): whoever reaches it could be an agent; give \(Self.agentGuards), or "
                    + "--insecure-no-auth, or listen on \(loopback)")
        }
        return refusals
    }

    /// The flags by which agents say who they are.
    private static let agentGuards =
        "--agent-token-file FILE, --agent-auth token with "
        + "enrolments, or --agent-client-ca FILE with TLS"

    private var loopback: String { "127.0.0.1:\(address.port ?? 0)" }
}

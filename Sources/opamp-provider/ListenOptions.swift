import ArgumentParser
import FleetAPI
import Logging
import Provider

/// The flags of where the provider listens, over which TLS, and for whom.
struct ListenOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Where to listen for tools, people and agents; port 0 is any free port. An address that other machines reach \
            needs TLS, a token (or --jwt-jwks) for people and one for agents.
            """, valueName: "host:port"),
        transform: { try ListenOptions.address($0) })
    var listen = Authority("127.0.0.1:8080")!

    @Option(
        help: ArgumentHelp(
            "Another address where only agents connect: there is /v1/opamp and nothing else. OpAMP's port is 4320.",
            valueName: "host:port"),
        transform: { try ListenOptions.address($0) })
    var agentListen: Authority?

    @Option(
        help: ArgumentHelp(
            """
            Speak TLS with this certificate, in PEM, followed by those between it and an authority. All files of TLS \
            are read again when they change.
            """, valueName: "file"))
    var tlsCert: String?

    @Option(help: ArgumentHelp("Its key, in PEM; only its owner may read the file.", valueName: "file"))
    var tlsKey: String?

    @Option(
        name: .customLong("agent-client-ca"),
        help: ArgumentHelp(
            """
            Lets in agents with a certificate of these authorities, in PEM. One with the name urn:uuid:UID, or a uid as \
            its common name, is that agent's and no other's.
            """, valueName: "file"))
    var agentClientCA: String?

    @Option(
        help: ArgumentHelp(
            """
            A name that requests may give the provider, beside loopback ones and the address that they connect to; \
            also that of a proxy in front of it. Can be repeated.
            """, valueName: "name"),
        transform: { text in
            guard let host = Authority(text), host.port == nil else {
                throw ValidationError("allowed is a host name or an address, without a port")
            }
            return host
        })
    var publicHost: [Authority] = []

    @Flag(
        name: .customLong("insecure-no-tls"),
        help: "Allow addresses that other machines reach without TLS: for a proxy that speaks TLS in front of them.")
    var insecureNoTLS = false

    @Flag(
        help: """
            Allow addresses that other machines and proxies reach without authentication: whoever gets there may do \
            everything that needs none.
            """)
    var insecureNoAuth = false

    func validate() throws {
        guard (tlsCert == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-cert and --tls-key go together; give both or none")
        }
        if agentClientCA != nil, tlsCert == nil {
            throw ValidationError("--agent-client-ca needs TLS: give --tls-cert FILE and --tls-key FILE")
        }
        for (flag, path) in [("tls-cert", tlsCert), ("tls-key", tlsKey), ("agent-client-ca", agentClientCA)] {
            if path == "" { throw ValidationError("--\(flag) \"\": allowed is the path of a file") }
        }
        if let agentListen, agentListen == listen, listen.port != 0 {
            throw ValidationError("--agent-listen \(agentListen): allowed is another address than that of --listen")
        }
    }

    /// The TLS of all listeners; nil without.
    func tls(_ logger: Logger) throws -> TLSContexts? {
        guard let tlsCert, let tlsKey else { return nil }
        let files = TLSFiles(certificate: tlsCert, key: tlsKey, clientAuthorities: agentClientCA)
        do { return try TLSContexts(files, logger: logger) } catch {
            throw ValidationError("--tls-cert, --tls-key\(agentClientCA == nil ? "" : ", --agent-client-ca"): \(error)")
        }
    }

    /// - Parameters:
    ///   - isGuarded: whether people and programs have to say who they are.
    ///   - isAgentGuarded: whether agents have to.
    /// - Throws: when a listener would be unsafe, with all reasons and the ways out.
    func check(isGuarded: Bool, isAgentGuarded: Bool, dataDir: String?) throws {
        var exposures = [Exposure("--listen", listen, for: .everybody)]
        if let agentListen { exposures.append(Exposure("--agent-listen", agentListen, for: .agents)) }
        let refusals = exposures.flatMap { exposure in
            var exposure = exposure
            exposure.hasTLS = tlsCert != nil
            (exposure.allowsPlain, exposure.allowsAnybody) = (insecureNoTLS, insecureNoAuth)
            (exposure.isGuarded, exposure.isAgentGuarded) = (isGuarded, isAgentGuarded)
            exposure.dataDirectory = dataDir
            return exposure.refusals
        }
        if !refusals.isEmpty { throw ValidationError(refusals.joined(separator: "\n")) }
    }

    private static func address(_ text: String) throws -> Authority {
        guard let address = Authority(text), address.port != nil else {
            throw ValidationError("allowed are HOST:PORT and [IPv6]:PORT, with a port from 0 to 65535")
        }
        return address
    }
}

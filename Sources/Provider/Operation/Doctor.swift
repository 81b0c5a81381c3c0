package import FleetAPI

/// Looks at everything that a provider needs, whether it runs or not; changes nothing.
package struct Doctor: Sendable {
    let directory: String
    let listen: Authority
    /// Of a provider that runs; nil: there is one only if its address answers.
    let url: String?
    /// How many agents are expected; nil: as many as are known.
    let agents: Int?
    let token: String?
    let caFile: String?
    /// nil: none are given.
    let tlsFiles: TLSFiles?
    let now: Timestamp

    /// - Parameters:
    ///   - directory: the data directory.
    ///   - listen: where the provider listens, or would.
    ///   - token: what it may ask for.
    ///   - tlsFiles: what the provider is started with; nil: it speaks no TLS.
    package init(
        directory: String, listen: Authority, url: String?, agents: Int?, token: String? = nil, caFile: String? = nil,
        tlsFiles: TLSFiles? = nil
    ) {
        self.init(
            directory: directory, listen: listen, url: url, agents: agents, token: token, caFile: caFile,
            tlsFiles: tlsFiles, now: Moment.now().wall)
    }

    init(
        directory: String, listen: Authority, url: String?, agents: Int?, token: String?, caFile: String?,
        tlsFiles: TLSFiles? = nil, now: Timestamp
    ) {
        (self.directory, self.listen, self.url, self.agents) = (directory, listen, url, agents)
        (self.token, self.caFile, self.tlsFiles, self.now) = (token, caFile, tlsFiles, now)
    }

    /// All findings, in the order in which things depend on each other.
    package func examine() async -> [Finding] {
        var findings = examineDirectory()
        let (database, stored) = examineDatabase()
        findings += database
        findings.append(examineOpenFiles(known: stored?.agents ?? 0))
        findings += examineClock(stored)
        if let stored { findings += examineHistory(stored) }
        findings += examineTLS()
        findings += await examineProvider(stored)
        return findings
    }
}

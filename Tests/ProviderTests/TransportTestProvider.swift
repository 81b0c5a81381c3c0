import HTTP
import JSON
import Logging
import ServiceLifecycle

@testable import Provider

/// A provider on a free port, in memory unless it has a directory, as the program wires it.
struct TransportTestProvider {
    let port: Int
    let fleet: Fleet
    let url: String
    private let stopper: ServiceGroup
    private let client: HTTPClient

    struct NotListening: Error {}

    /// Starts it, hands it over, and stops it; done when it has stopped.
    ///
    /// - Parameter caFile: what its certificate is trusted by.
    static func with(
        limits: TransportLimits = TransportLimits(), tokens: AgentTokens? = nil, agentsNeedTokens: Bool? = nil,
        dataDirectory: String? = nil, address: String = "127.0.0.1:0", audience: Listener.Audience = .everybody,
        tls: TLSContexts? = nil, caFile: String? = nil, publicHosts: [String] = [], isOpen: Bool = false,
        log: Logger? = nil,
        _ body: (TransportTestProvider) async throws -> Void
    ) async throws {
        var logger = log ?? Logger(label: "test")
        if log == nil { logger.logLevel = .critical }
        let fleet = try Fleet(dataDirectory: dataDirectory, version: "1.2.3", logger: logger)
        let (urls, continuation) = AsyncStream.makeStream(of: String.self)
        guard let address = Authority(address) else { throw NotListening() }
        let doorkeeper = try Doorkeeper(fleet: fleet, logger: logger)
        let reception = Reception(
            fleet: fleet, doorkeeper: doorkeeper,
            gate: AgentGate(fleet: fleet, tokens: tokens, isRequired: agentsNeedTokens ?? (tokens != nil)),
            limits: limits, tls: tls, publicHosts: publicHosts.compactMap { Authority($0) }, isOpen: isOpen,
            logger: logger)
        let listener = Listener(on: address, for: audience, reception) { continuation.yield($0) }
        let services: [any Service] = [fleet, doorkeeper, listener] + (tls.map { [$0] } ?? [])
        let group = ServiceGroup(services: services, logger: logger)
        async let running: Void = group.run()
        guard let url = await urls.first(where: { _ in true }),
            let port = url.split(separator: ":").last.flatMap({ Int($0) })
        else { throw NotListening() }
        var configuration = HTTPConfiguration()
        configuration.caFile = caFile
        let provider = TransportTestProvider(
            port: port, fleet: fleet, url: (tls == nil ? "http" : "https") + "://127.0.0.1:\(port)", stopper: group,
            client: HTTPClient(configuration))
        do {
            try await body(provider)
        } catch {
            await group.triggerGracefulShutdown()
            throw error
        }
        await group.triggerGracefulShutdown()
        try await running
    }

    func stop() async {
        await stopper.triggerGracefulShutdown()
    }

    func request(
        _ method: HTTPRequest.Method = .get, _ path: String, headers: [(name: String, value: String)] = [],
        body: [UInt8]? = nil
    ) async throws -> HTTPResponse {
        try await client.send(HTTPRequest(method, url + path, headers: headers, body: body))
    }

    func json(_ path: String) async throws -> JSON {
        try JSON(parsing: try await request(.get, path).body)
    }
}

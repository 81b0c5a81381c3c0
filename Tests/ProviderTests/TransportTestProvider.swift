import HTTP
import JSON
import Logging
import ServiceLifecycle

@testable import Provider

/// A provider on a free port, in memory unless it has a directory, as the program wires it.
struct TransportTestProvider {
    let port: Int
    let fleet: Fleet
    private let stopper: ServiceGroup
    private let client = HTTPClient()

    struct NotListening: Error {}

    /// Starts it, hands it over, and stops it; done when it has stopped.
    static func with(
        limits: TransportLimits = TransportLimits(), tokens: AgentTokens? = nil, agentsNeedTokens: Bool? = nil,
        dataDirectory: String? = nil, log: Logger? = nil,
        _ body: (TransportTestProvider) async throws -> Void
    ) async throws {
        var logger = log ?? Logger(label: "test")
        if log == nil { logger.logLevel = .critical }
        let fleet = try Fleet(dataDirectory: dataDirectory, version: "1.2.3", logger: logger)
        let (urls, continuation) = AsyncStream.makeStream(of: String.self)
        guard let address = Authority("127.0.0.1:0") else { throw NotListening() }
        let doorkeeper = try Doorkeeper(fleet: fleet, logger: logger)
        let listener = Listener(
            on: address, fleet: fleet, doorkeeper: doorkeeper,
            gate: AgentGate(fleet: fleet, tokens: tokens, isRequired: agentsNeedTokens ?? (tokens != nil)),
            limits: limits, logger: logger
        ) {
            continuation.yield($0)
        }
        let group = ServiceGroup(services: [fleet, doorkeeper, listener], logger: logger)
        async let running: Void = group.run()
        guard let url = await urls.first(where: { _ in true }), let port = Authority(url.dropFirst(7))?.port else {
            throw NotListening()
        }
        do {
            try await body(TransportTestProvider(port: port, fleet: fleet, stopper: group))
        } catch {
            await group.triggerGracefulShutdown()
            throw error
        }
        await group.triggerGracefulShutdown()
        try await running
    }

    private init(port: Int, fleet: Fleet, stopper: ServiceGroup) {
        (self.port, self.fleet, self.stopper) = (port, fleet, stopper)
    }

    func stop() async {
        await stopper.triggerGracefulShutdown()
    }

    func request(
        _ method: HTTPRequest.Method = .get, _ path: String, headers: [(name: String, value: String)] = [],
        body: [UInt8]? = nil
    ) async throws -> HTTPResponse {
        try await client.send(HTTPRequest(method, "http://127.0.0.1:\(port)\(path)", headers: headers, body: body))
    }

    func json(_ path: String) async throws -> JSON {
        try JSON(parsing: try await request(.get, path).body)
    }
}

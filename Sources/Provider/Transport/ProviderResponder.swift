import FleetAPI
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// Answers every HTTP request of a listener: limits and access rules first, then the agents' paths, then the API.
struct ProviderResponder: HTTPResponder {
    struct Context: RequestContext {
        var coreContext: CoreRequestContextStorage
        let remoteAddress: String?
        let localAddress: String?

        init(source: ApplicationRequestContextSource) {
            coreContext = .init(source: source)
            remoteAddress = source.channel.remoteAddress?.hostAndPort
            localAddress = source.channel.localAddress?.ipAddress
        }
    }

    let exchange: AgentExchange
    let enrolment: EnrolExchange
    /// nil where there is nothing but the agents' path.
    let api: API?
    let reception: Reception
    let limits: PeerLimits

    func respond(to request: Request, context: Context) async throws -> Response {
        let target = (request.head.path ?? "")[...]
        let path = target.prefix { $0 != "?" }
        let isEnrolment = path == OpAMPEndpoint.enrolPath
        let isAgent = isEnrolment || path == OpAMPEndpoint.path
        var response: Response
        if let wait = limits.request(of: Peer.current?.network, isAgent: isAgent) {
            response = throttle(isAgent: isAgent, wait)
        } else if let problem = refusal(of: request, path: path, context, isAgent: isAgent) {
            response = Response(problem)
        } else if isEnrolment {
            response = try await enrolment.respond(to: request, from: context.remoteAddress)
        } else if isAgent {
            response = try await exchange.respond(to: request, from: context.remoteAddress)
        } else if let api {
            response = await api.respond(
                to: request, path: path, query: target.dropFirst(path.count + 1), from: context.remoteAddress)
        } else {
            response = Response(
                Problem(404, "Not Found", detail: "agents find \(OpAMPEndpoint.path) here, and there is nothing else"))
        }
        if !isAgent {
            let authority = request.head.authority.flatMap { Authority($0) }
            let isPublic = reception.tls != nil && authority.map { reception.rules.isPublic($0) } ?? false
            SecurityHeaders.add(to: &response.headers, isPublic: isPublic)
        }
        // Spec: RFC 9110, section 9.3.2: the headers of a GET, with no body.
        if request.method == .head { response = response.createHeadResponse() }
        // The HTTP loop ends the connection for exactly this value.
        if request.headers[.connection] == "close" || response.status.code > 400 && Self.isLong(request.headers) {
            response.headers[.connection] = "close"
        }
        return response
    }

    private func refusal(
        of request: Request, path: Substring, _ context: Context, isAgent: Bool
    ) -> Problem? {
        reception.rules.refusal(
            method: request.method.rawValue, path: String(path), host: request.head.authority,
            fields: request.headers.lazy.map { ($0.name.canonicalName, $0.value) }, at: context.localAddress,
            isGuarded: reception.isOpen || (isAgent ? reception.gate.isRequired : reception.doorkeeper.isRequired))
    }

    /// Spec: OpAMP, "Throttling".
    private func throttle(isAgent: Bool, _ wait: Duration) -> Response {
        if isAgent {
            reception.fleet.metrics.throttled.agentRequests.add(1)
        } else {
            reception.fleet.metrics.throttled.requests.add(1)
        }
        // Agents of one address should not all come again at the same time.
        let wait = isAgent ? RetryHint.random() : wait
        let problem = Problem(429, "Too Many Requests", detail: "this address asks for too much; try again later")
        return Response(problem, fields: [.retryAfter: RetryHint.seconds(wait)])
    }

    /// Whether a body may be so long that it is cheaper to end the connection than to read and drop it.
    private static func isLong(_ fields: HTTPFields) -> Bool {
        fields[.transferEncoding] != nil || fields[.contentLength].map { (Int($0) ?? .max) > 64 << 10 } ?? false
    }
}

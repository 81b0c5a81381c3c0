import FleetAPI
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// Answers every HTTP request of a listener: the access rules first, then the agents' paths, then the API.
struct ProviderResponder: HTTPResponder {
    struct Context: RequestContext {
        var coreContext: CoreRequestContextStorage
        let remoteAddress: String?

        init(source: ApplicationRequestContextSource) {
            coreContext = .init(source: source)
            remoteAddress = source.channel.remoteAddress?.hostAndPort
        }
    }

    let exchange: AgentExchange
    let enrolment: EnrolExchange
    let api: API

    func respond(to request: Request, context: Context) async throws -> Response {
        let target = (request.head.path ?? "")[...]
        let path = target.prefix { $0 != "?" }
        var response: Response
        if let problem = AccessRules.refusal(
            method: request.method.rawValue, path: String(path), host: request.head.authority,
            fields: request.headers.lazy.map { ($0.name.canonicalName, $0.value) })
        {
            response = Response(problem)
        } else if path == OpAMPEndpoint.path {
            response = try await exchange.respond(to: request, from: context.remoteAddress)
        } else if path == OpAMPEndpoint.enrolPath {
            response = try await enrolment.respond(to: request, from: context.remoteAddress)
        } else {
            response = await api.respond(
                to: request, path: path, query: target.dropFirst(path.count + 1), from: context.remoteAddress)
        }
        // Spec: RFC 9110, section 9.3.2: the headers of a GET, with no body.
        if request.method == .head { response = response.createHeadResponse() }
        // The HTTP loop ends the connection for exactly this value.
        if request.headers[.connection] == "close" || response.status.code > 400 && Self.isLong(request.headers) {
            response.headers[.connection] = "close"
        }
        return response
    }

    /// Whether a body may be so long that it is cheaper to end the connection than to read and drop it.
    private static func isLong(_ fields: HTTPFields) -> Bool {
        fields[.transferEncoding] != nil || fields[.contentLength].map { (Int($0) ?? .max) > 64 << 10 } ?? false
    }
}

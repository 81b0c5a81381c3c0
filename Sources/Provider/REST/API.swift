import FleetAPI
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore

/// The REST API: from a request over its route to an answer. Errors become problems here and nowhere else.
struct API: Sendable {
    static let routes: RouteTable = RouteTable(
        routes: Route.info + Route.agents + Route.commands + Route.operations + Route.configs + Route.connections
            + Route.approvals + Route.settings + Route.audit + Route.auditExport + Route.tokens + Route.session
            + Route.events + Route.operational + Route.exports + Route.mutes + Route.enrolments)

    let fleet: Fleet
    let doorkeeper: Doorkeeper
    /// Whether who does not say who they are may do anything, as long as nobody has to.
    var allowsAnonymous = true
    /// Whether requests come over TLS.
    var isSecure = false
    let logger: Logger

    /// - Parameters:
    ///   - path: without the query, still encoded.
    ///   - query: what follows the `?`, still encoded.
    func respond(
        to request: Request, path: Substring, query: Substring, from remoteAddress: String?
    ) async -> Response {
        let start = ContinuousClock.now
        var route: Route?
        let response = await answer(to: request, path: path, query: query, from: remoteAddress, found: &route)
        fleet.metrics.requests.answered(
            route: route?.path, method: request.method.rawValue, status: response.status.code,
            after: start.duration(to: .now))
        return response
    }

    private func answer(
        to request: Request, path: Substring, query: Substring, from remoteAddress: String?, found route: inout Route?
    ) async -> Response {
        do {
            let match: (route: Route, arguments: [String])
            do {
                guard let found = try Self.routes.find(request.method, try Self.parts(of: path)) else {
                    throw Problem(404, "Not Found", detail: "there is nothing at \(path)")
                }
                match = found
                route = found.route
            } catch let error as RouteTable.NotAllowed where request.method == .options {
                // Spec: RFC 9110, section 9.3.7.
                return try Response(
                    Answer(status: .noContent, fields: [.allow: error.methods.joined(separator: ", ")]))
            } catch let error as RouteTable.NotAllowed {
                let problem = Problem.refused(
                    405, "Method Not Allowed", field: "method", value: request.method.rawValue,
                    "\(path) takes \(error.methods.joined(separator: ", "))", allowed: error.methods)
                return Response(problem, fields: [.allow: error.methods.joined(separator: ", ")])
            }
            // A proxy that ends TLS says so; whoever else says it only gets a cookie that is sent less often.
            let isSecure = isSecure || request.headers[.xForwardedProto] == "https"
            let credentials = Credentials(
                request.headers, method: request.method, host: request.head.authority, address: remoteAddress,
                isSecure: isSecure)
            let caller =
                match.route.isOpen
                ? .anonymous(.viewer, from: credentials.address)
                : try await doorkeeper.caller(credentials, allowsAnonymous: allowsAnonymous)
            guard caller.role >= match.route.role else {
                throw doorkeeper.forbidden("\(request.method) \(path)", to: caller, needing: match.route.role)
            }
            let call = Call(
                fleet: fleet, arguments: match.arguments, argumentNames: Route.names(in: match.route.path),
                query: try QueryParameters(query, names: match.route.parameters), fields: request.headers,
                body: [.post, .put].contains(match.route.method)
                    ? try await Self.body(of: request, limit: match.route.bodyLimit) : [],
                caller: caller, doorkeeper: doorkeeper, isSecure: isSecure)
            return try Response(try await match.route.answer(call))
        } catch let refusal as Doorkeeper.Refusal {
            return Response(refusal.problem, fields: refusal.fields)
        } catch let problem as Problem {
            return Response(problem)
        } catch {
            logger.error("request failed", metadata: ["method": "\(request.method)", "error": "\(error)"])
            return Response(Problem(500, "Internal Server Error", detail: "the provider failed; its log says why"))
        }
    }

    /// The parts of a path, decoded one by one so that an encoded slash stays inside its part.
    static func parts(of path: Substring) throws(Problem) -> [String] {
        var parts: [String] = []
        for part in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let decoded = percentDecoded(part) else {
                throw .badRequest(field: "path", value: String(part), "the path is not percent-encoded UTF-8")
            }
            parts.append(decoded)
        }
        return parts
    }

    private static func body(of request: Request, limit: Int) async throws -> [UInt8] {
        let tooLarge = Problem(413, "Content Too Large", detail: "a body may have \(limit) bytes")
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit { throw tooLarge }
        do {
            return Array(buffer: try await request.body.collect(upTo: limit))
        } catch is NIOTooManyBytesError {
            throw tooLarge
        }
    }
}

extension HTTPField.Name {
    /// Parsed once; the name is a valid token.
    fileprivate static let xForwardedProto = HTTPField.Name("X-Forwarded-Proto").unsafelyUnwrapped
}

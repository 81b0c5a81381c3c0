import FleetAPI
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import OpAMP

/// One message of an agent and its answer over plain HTTP. Spec: OpAMP, "Plain HTTP Transport".
struct AgentExchange: Sendable {
    static let contentType = "application/x-protobuf"

    let fleet: Fleet
    let limit: Int
    let logger: Logger

    func respond(to request: Request, from remoteAddress: String?) async throws -> Response {
        if let problem = Self.refusal(method: request.method, fields: request.headers, limit: limit) {
            var response = Response(problem)
            if problem.status == 426 {
                response.headers[.upgrade] = "websocket"
                response.headers[.secWebSocketVersion] = "13"
            }
            if problem.status == 405 { response.headers[.allow] = "GET, POST" }
            return response
        }
        let body: ByteBuffer
        do {
            body = try await request.body.collect(upTo: limit)
        } catch is NIOTooManyBytesError {
            return Response(Self.tooLarge(limit))
        }
        return answer(await reply(to: body, from: remoteAddress))
    }

    /// Decides by the head alone; nil when the body may be read.
    static func refusal(method: HTTPRequest.Method, fields: HTTPFields, limit: Int) -> Problem? {
        if method == .get {
            return Problem(
                426, "Upgrade Required",
                detail: "agents POST \(contentType) here, or open a WebSocket with the first request of a connection")
        }
        guard method == .post else {
            return .refused(
                405, "Method Not Allowed", field: "method", value: method.rawValue,
                "agents POST here, or open a WebSocket", allowed: ["GET", "POST"])
        }
        let type = fields[.contentType]
        guard let type, AccessRules.mediaType(type) == contentType else {
            return .refused(
                415, "Unsupported Media Type", field: "Content-Type", value: type,
                "a message of an agent must be \(contentType)", allowed: [contentType])
        }
        if let encoding = fields[.contentEncoding], encoding.lowercased() != "identity" {
            return .refused(
                415, "Unsupported Media Type", field: "Content-Encoding", value: encoding,
                "compressed messages are not supported yet", allowed: ["identity"])
        }
        if let length = fields[.contentLength].flatMap({ Int($0) }), length > limit { return tooLarge(limit) }
        return nil
    }

    /// The HTTP status that goes with an answer.
    static func status(of reply: AgentReply) -> HTTPResponse.Status {
        switch reply.ending {
        case .forbidden: return .forbidden
        case .refused: return .badRequest
        case nil: break
        }
        guard reply.message.hasErrorResponse else { return .ok }
        switch reply.message.errorResponse.type {
        case .badRequest: return .badRequest
        case .unavailable: return .serviceUnavailable
        default: return .internalServerError
        }
    }

    private func reply(to body: ByteBuffer, from remoteAddress: String?) async -> AgentReply {
        do {
            let message = try AgentToServer(body: body.readableBytesView, limit: limit)
            let link = Link(transport: .http, remoteAddress: remoteAddress, push: nil)
            return await withCheckedContinuation { continuation in
                fleet.receive(message, over: link) { continuation.resume(returning: $0) }
            }
        } catch {
            logger.debug("malformed message of an agent", metadata: ["error": "\(error)"])
            return AgentReply(.badRequest(error.description))
        }
    }

    private func answer(_ reply: AgentReply) -> Response {
        do {
            return Response(
                status: Self.status(of: reply), headers: [.contentType: Self.contentType],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: try reply.message.body(limit: limit))))
        } catch {
            logger.error("a message for an agent was dropped", metadata: ["error": "\(error)"])
            return Response(status: .internalServerError)
        }
    }

    private static func tooLarge(_ limit: Int) -> Problem {
        Problem(413, "Content Too Large", detail: "a message of an agent may have \(limit) bytes")
    }
}

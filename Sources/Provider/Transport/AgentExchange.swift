import FleetAPI
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import OpAMP

/// One message of an agent and its answer over plain HTTP. Spec: OpAMP, "Plain HTTP Transport".
struct AgentExchange: Sendable {
    /// A shorter answer is not worth compressing.
    static let gzipFrom = 512

    let fleet: Fleet
    let limits: TransportLimits
    let inFlight: InFlightBytes
    let gate: AgentGate
    let logger: Logger

    func respond(to request: Request, from remoteAddress: String?) async throws -> Response {
        let pass: AgentGate.Pass
        do {
            pass = try gate.enter(
                request.headers[values: .authorization], Peer.current?.certificate, from: remoteAddress)
        } catch {
            return Response(error.problem, fields: error.fields)
        }
        let head: AgentRequestHead
        do {
            head = try AgentRequestHead(method: request.method, fields: request.headers)
        } catch {
            return Response(error, fields: Self.fields(of: error))
        }
        do {
            let message = try await message(head, of: request.body)
            if let contradiction = head.contradiction(to: message) { throw AgentBodyError.malformed(contradiction) }
            if fleet.isStopping {
                let uid = InstanceUID(bytes: message.instanceUid)
                let reply = uid.map { ServerToAgent.stopping($0) } ?? .badRequest("instance_uid must have 16 bytes")
                return answer(AgentReply(reply), isGzipAccepted: head.acceptsGzip)
            }
            let reply = await reply(to: message, from: remoteAddress, pass.credential)
            return answer(reply, isGzipAccepted: head.acceptsGzip)
        } catch AgentBodyError.tooLarge(let problem) {
            return Response(problem)
        } catch AgentBodyError.malformed(let reason) {
            logger.debug("malformed message of an agent", metadata: ["error": "\(reason)"])
            return answer(AgentReply(.badRequest(reason)), isGzipAccepted: head.acceptsGzip)
        } catch AgentBodyError.noRoom {
            logger.debug("an agent was turned away: too many bytes in flight")
            let message = ServerToAgent.unavailable(InFlightBytes.reason, retryAfter: RetryHint.random())
            return answer(AgentReply(message), isGzipAccepted: head.acceptsGzip)
        }
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

    private func reply(
        to message: AgentToServer, from remoteAddress: String?, _ credential: AgentCredential
    ) async -> AgentReply {
        let link = Link(transport: .http, remoteAddress: remoteAddress, credential: credential, push: nil)
        return await withCheckedContinuation { continuation in
            fleet.receive(message, over: link) { continuation.resume(returning: $0) }
        }
    }

    private func answer(_ reply: AgentReply, isGzipAccepted: Bool) -> Response {
        do {
            var bytes = try reply.message.body(limit: limits.messageBytes)
            var fields: HTTPFields = [.contentType: AgentRequestHead.contentType, .vary: "Accept-Encoding"]
            if isGzipAccepted, bytes.count >= Self.gzipFrom {
                let packed = Compression.gzip.compress(bytes)
                if packed.count < bytes.count {
                    bytes = packed
                    fields[.contentEncoding] = "gzip"
                }
            }
            fleet.metrics.sent(reply.message, bytes: bytes.count, over: .http)
            let status = Self.status(of: reply)
            if status == .serviceUnavailable, let hint = RetryHint.of(reply.message) {
                fields[.retryAfter] = RetryHint.seconds(hint)
            }
            return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        } catch {
            logger.error("a message for an agent was dropped", metadata: ["error": "\(error)"])
            return Response(status: .internalServerError)
        }
    }

    /// The header fields that say more about a refusal.
    private static func fields(of problem: Problem) -> HTTPFields {
        switch problem.status {
        case 405: [.allow: "GET, POST"]
        case 415: [.acceptEncoding: "gzip"]
        case 426: [.upgrade: "websocket", .secWebSocketVersion: "13"]
        default: [:]
        }
    }
}

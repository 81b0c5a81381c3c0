import FleetAPI
import HTTPTypes
import HummingbirdCore
import JSON
import NIOCore
import OpAMP

/// An enrolment token for a token of one agent, over plain HTTP: for those who set up an agent that cannot be offered
/// connection settings, or begin it with its own token.
struct EnrolExchange: Sendable {
    private static let bodyLimit = 4 << 10

    let fleet: Fleet
    let gate: AgentGate

    func respond(to request: Request, from remoteAddress: String?) async throws -> Response {
        guard request.method == .post else {
            let problem = Problem.refused(
                405, "Method Not Allowed", field: "method", value: request.method.rawValue,
                "an enrolment token is exchanged with POST", allowed: ["POST"])
            return Response(problem, fields: [.allow: "POST"])
        }
        let credential: AgentCredential
        do {
            credential = try gate.enter(request.headers[values: .authorization], from: remoteAddress).credential
        } catch {
            return Response(error.problem, fields: error.fields)
        }
        guard case .enrolment(let id) = credential else {
            return Response(
                Problem(
                    403, "Forbidden",
                    detail: "this needs an enrolment token, as \"Authorization: Bearer TOKEN\"; an administrator makes "
                        + "one with: opamp-provider enrolment create --data-dir DIR"))
        }
        do {
            let uid = try await uid(in: request.body)
            let issued = try await fleet.exchangeEnrolment(id, for: uid, from: remoteAddress ?? "unknown")
            return try Response(Answer(status: .created, json: issued.json, fields: [.cacheControl: "no-store"]))
        } catch let problem as Problem {
            return Response(problem)
        }
    }

    private func uid(in body: RequestBody) async throws -> InstanceUID {
        let bytes: [UInt8]
        do {
            bytes = Array(buffer: try await body.collect(upTo: Self.bodyLimit))
        } catch is NIOTooManyBytesError {
            throw Problem(413, "Content Too Large", detail: "the body may have \(Self.bodyLimit) bytes")
        }
        let asked: EnrolRequest
        do {
            asked = try EnrolRequest(json: JSON(parsing: bytes, limit: Self.bodyLimit))
        } catch let error as ShapeError {
            throw Problem.badRequest(error)
        } catch {
            throw Problem.badRequest(field: "body", "\(error)")
        }
        guard let uid = InstanceUID(asked.instanceUID) else {
            throw Problem.badRequest(
                field: "instance_uid", value: asked.instanceUID.prefixUTF8(100),
                "instance_uid is 32 hex digits, dashes allowed")
        }
        return uid
    }
}

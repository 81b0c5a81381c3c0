import FleetAPI
import HummingbirdCore
import NIOCore
import OpAMP

/// Why no message was read from a body.
enum AgentBodyError: Error {
    case malformed(String)
    case tooLarge(Problem)
    /// Too many bytes are in flight already.
    case noRoom
}

extension InFlightBytes {
    /// Why an agent is turned away when the limit is reached.
    static let reason = "the server is handling as many large messages as it can; try again later"
}

// From the body of a request to the message in it, within the limits.
extension AgentExchange {
    /// Collects, unpacks and decodes; what it holds meanwhile is counted as in flight.
    ///
    /// - Throws: `AgentBodyError`, or what ended the connection.
    func message(_ head: AgentRequestHead, of body: RequestBody) async throws -> AgentToServer {
        let limit = limit(for: head)
        if let length = head.contentLength, length > limit { throw tooLarge(limit) }
        var share = InFlightBytes.Share(of: inFlight)
        var bytes = ByteBuffer()
        for try await part in body {
            let count = bytes.readableBytes + part.readableBytes
            guard count <= limit else { throw tooLarge(limit) }
            guard share.hold(count) else { throw AgentBodyError.noRoom }
            fleet.metrics.http.receivedBytes.add(part.readableBytes)
            if bytes.readableBytes == 0 { bytes = part } else { bytes.writeImmutableBuffer(part) }
        }
        do {
            guard head.isGzip else { return try AgentToServer(body: bytes.readableBytesView, limit: limit) }
            return try AgentToServer(body: try unpack(bytes, limit: limit, &share), limit: limit)
        } catch let error as OpAMPError {
            if case .tooLarge = error { throw tooLarge(limit) }
            throw AgentBodyError.malformed(error.description)
        } catch let error as CompressionError {
            switch error {
            case .malformed(let reason): throw AgentBodyError.malformed("the gzip of the body: \(reason)")
            case .tooLarge: throw tooLarge(limit)
            case .noRoom: throw AgentBodyError.noRoom
            }
        }
    }

    private func unpack(
        _ bytes: ByteBuffer, limit: Int, _ share: inout InFlightBytes.Share
    ) throws(CompressionError) -> [UInt8] {
        var held = bytes.readableBytes
        return try Compression.gzip.decompress(bytes.readableBytesSpan, limit: limit) { more in
            held += more
            return share.hold(held)
        }
    }

    /// More than a stranger's share is read only when the head names an agent that is approved: who sends it is known
    /// for sure only once it has been read.
    private func limit(for head: AgentRequestHead) -> Int {
        if !head.isGzip, let length = head.contentLength, length <= limits.strangerBytes { return limits.strangerBytes }
        let isAdmitted = head.claimedUID.flatMap { InstanceUID($0) }.map { fleet.isAdmitted($0) } ?? false
        return isAdmitted ? limits.messageBytes : limits.strangerBytes
    }

    private func tooLarge(_ limit: Int) -> AgentBodyError {
        guard limit < limits.messageBytes else {
            return .tooLarge(
                Problem(413, "Content Too Large", detail: "a message of an agent may have \(limit) bytes, unpacked"))
        }
        return .tooLarge(
            .refused(
                413, "Content Too Large", field: AgentRequestHead.instanceUIDField, value: nil,
                "a message may have \(limit) bytes, unpacked, until the agent is approved; an approved agent may send "
                    + "\(limits.messageBytes) when the \(AgentRequestHead.instanceUIDField) header names it"))
    }
}

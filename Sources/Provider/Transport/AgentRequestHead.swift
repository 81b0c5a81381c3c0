import FleetAPI
import HTTPTypes
import OpAMP

/// What the head of an agent's HTTP request says about its message and the answer.
struct AgentRequestHead: Equatable {
    static let contentType = "application/x-protobuf"
    static let instanceUIDField = "OpAMP-Instance-UID"

    let isGzip: Bool
    let acceptsGzip: Bool
    let contentLength: Int?
    /// The OpAMP-Instance-UID field as it is; the agent's uid is the one in its message.
    let claimedUID: String?

    /// - Throws: the refusal of a request that holds no message of an agent.
    init(method: HTTPRequest.Method, fields: HTTPFields) throws(Problem) {
        if method == .get {
            throw Problem(
                426, "Upgrade Required",
                detail: "agents POST \(Self.contentType) here, or open a WebSocket with the first request of a "
                    + "connection")
        }
        guard method == .post else {
            throw .refused(
                405, "Method Not Allowed", field: "method", value: method.rawValue,
                "agents POST here, or open a WebSocket", allowed: ["GET", "POST"])
        }
        let type = fields[.contentType]
        guard let type, AccessRules.mediaType(type) == Self.contentType else {
            throw .refused(
                415, "Unsupported Media Type", field: "Content-Type", value: type,
                "a message of an agent must be \(Self.contentType)", allowed: [Self.contentType])
        }
        switch ContentCoding(fields[values: .contentEncoding]) {
        case .identity: isGzip = false
        case .gzip: isGzip = true
        case .other(let name):
            throw .refused(
                415, "Unsupported Media Type", field: "Content-Encoding", value: name,
                "a message may be compressed with gzip, once", allowed: ["gzip", "identity"])
        }
        acceptsGzip = ContentCoding.acceptsGzip(fields[values: .acceptEncoding])
        contentLength = fields[.contentLength].flatMap { Int($0) }
        claimedUID = HTTPField.Name(Self.instanceUIDField).flatMap { fields[$0] }
    }

    /// Why this is not the request of the agent whose message is in it; nil when it is.
    ///
    /// Spec: OpAMP, "Plain HTTP Transport".
    func contradiction(to message: AgentToServer) -> String? {
        guard let claimedUID, let uid = InstanceUID(bytes: message.instanceUid) else { return nil }
        guard InstanceUID(claimedUID) != uid else { return nil }
        return
            "the \(Self.instanceUIDField) header is \(claimedUID.prefix(64)), and instance_uid of the message is \(uid)"
    }
}

import FleetAPI
import OpAMP
import SwiftProtobuf

/// What an agent last said of the connection settings offered to it. Spec: OpAMP, "ConnectionSettingsStatus Message".
struct ReportedStatus: RESTObject, Equatable {
    var hash = ContentHash.none
    var status = ConfigStatus.unset
    /// In the agent's words, secrets masked.
    var error: String?

    init() {}

    init(_ reported: ConnectionSettingsStatus) {
        hash = ContentHash(reported.lastConnectionSettingsHash)
        status = ConfigStatus(reported.status)
        error = AgentFacts.shownError(reported.errorMessage)
    }

    mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.field("hash", &hash)
        try coder.required("status", &status)
        try coder.field("error", &error)
    }
}

extension ConfigStatus {
    init(_ status: ConnectionSettingsStatuses) {
        self =
            switch status {
            case .applied: .applied
            case .applying: .applying
            case .failed: .failed
            default: .unset
            }
    }
}

extension AgentFacts {
    /// The most bytes of an error that are kept.
    private static let errorLimit = 4096

    /// An agent's words on what went wrong, bounded and with secrets masked; nil when there are none.
    static func shownError(_ text: String) -> String? {
        SecretMask.masked(message: text.prefixUTF8(errorLimit)).nonEmpty
    }
}

package import OpAMP
import SwiftProtobuf

/// What both transports of agents share.
package enum OpAMPEndpoint {
    package static let path = "/v1/opamp"

    /// The most bytes of one message, either way, header included: the specification's default.
    package static let messageLimit = 64 << 20

    /// The answer to what is not an OpAMP message; the agent is not to send it again as it was.
    /// Spec: OpAMP, "ServerErrorResponse Message".
    package static func badRequest(_ reason: OpAMPError) -> ServerToAgent {
        .with {
            $0.errorResponse.type = .badRequest
            $0.errorResponse.errorMessage = reason.description
        }
    }
}

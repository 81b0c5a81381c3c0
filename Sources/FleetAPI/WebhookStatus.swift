/// What people are told of over the webhook.
package enum NoticeKind: String, RESTEnum {
    /// The agent is stale or disconnected.
    case lost
    case unhealthy
    /// It is connected and not unhealthy any more.
    case back
}

/// How the webhook has been doing since the provider started.
package struct WebhookStatus: RESTObject, Equatable {
    /// Notices that wait.
    package var queued = 0
    /// Requests that were taken, and those that were not; one may hold many notices.
    package var delivered = 0
    package var failed = 0
    /// Notices given up: too many waited, or nobody took them for too long.
    package var dropped = 0
    package var lastSuccess: Timestamp?
    package var lastFailure: Timestamp?
    /// Why the last one that failed did.
    package var lastError: String?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.field("queued", &queued)
        try coder.field("delivered", &delivered)
        try coder.field("failed", &failed)
        try coder.field("dropped", &dropped)
        try coder.field("last_success", &lastSuccess)
        try coder.field("last_failure", &lastFailure)
        try coder.field("last_error", &lastError)
    }
}

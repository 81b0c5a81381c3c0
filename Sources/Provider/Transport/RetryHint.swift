import FleetAPI
import OpAMP

/// When an agent that is turned away should come again.
enum RetryHint {
    /// At least the 30 s that the specification recommends, and not the same for all.
    static func random() -> Duration {
        .seconds(Int.random(in: 30...60))
    }

    /// The value of Retry-After: whole seconds, rounded up. Spec: RFC 9110, section 10.2.3.
    static func seconds(_ duration: Duration) -> String {
        let (seconds, rest) = duration.components
        return "\(max(0, rest > 0 ? seconds + 1 : seconds))"
    }

    /// The hint in an answer; nil when there is none.
    static func of(_ message: ServerToAgent) -> Duration? {
        guard case .retryInfo(let info) = message.errorResponse.details else { return nil }
        return .nanoseconds(Int64(clamping: info.retryAfterNanoseconds))
    }
}

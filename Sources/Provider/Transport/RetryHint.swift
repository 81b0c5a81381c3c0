import FleetAPI
import OpAMP

/// When an agent that is turned away should come again.
enum RetryHint {
    /// At least the 30 s that the specification recommends, and not the same for all.
    static func random() -> Duration {
        .seconds(Int.random(in: 30...60))
    }

    /// For an agent that is sent away because the provider stops: 1 to 30 s, always the same for one agent, and spread
    /// evenly over a fleet, so that it does not come back all at once.
    static func afterStop(_ uid: InstanceUID) -> Duration {
        // The mixing steps of SplitMix64: uids of one fleet differ in few bits.
        var hash = uid.high &* 0x9e37_79b9_7f4a_7c15 ^ uid.low
        hash = (hash ^ hash >> 30) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ hash >> 27) &* 0x94d0_49bb_1331_11eb
        hash ^= hash >> 31
        return .milliseconds(1000 + Int(hash % 29_001))
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

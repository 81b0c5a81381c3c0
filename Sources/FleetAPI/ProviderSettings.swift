/// What an operator may change while the provider runs; kept over restarts. REST: `GET` and `PUT settings`.
package struct ProviderSettings: RESTObject, Equatable {
    package static let forgetAfterSecondsAllowed = 60...31_536_000
    package static let keepDaysAllowed = 1...3_650

    /// Whether agents that were never seen wait until somebody lets them in.
    package var approvalRequired = false
    /// How long an agent may be away, in seconds, before it is forgotten.
    package var forgetAfterSeconds = 604_800
    /// How long events, ended commands and the audit are kept, in days.
    package var keepEventsDays = 30
    package var keepCommandsDays = 90
    package var keepAuditDays = 365
    /// The URL at which agents reach the provider, `https://HOST/v1/opamp` or wss alike, also through what ends TLS
    /// before it; offered connection settings name it, as ws, wss, http or https by the agent's transport. Empty: they
    /// name no endpoint, which agents read as unchanged.
    package var agentURL = ""

    /// Where people are told of agents that are lost, unhealthy or back; empty: nowhere. Its path is never shown.
    package var webhookURL = ""
    /// What is told there.
    package var webhookEvents = NoticeKind.allCases
    /// What requests there are signed with; never shown.
    package var webhookSecret = ""
    /// Told where there is a webhook; neither kept nor taken over.
    package var webhookStatus: WebhookStatus?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.field("approval_required", &approvalRequired)
        try coder.field("forget_after_seconds", &forgetAfterSeconds, in: Self.forgetAfterSecondsAllowed)
        try coder.field("keep_events_days", &keepEventsDays, in: Self.keepDaysAllowed)
        try coder.field("keep_commands_days", &keepCommandsDays, in: Self.keepDaysAllowed)
        try coder.field("keep_audit_days", &keepAuditDays, in: Self.keepDaysAllowed)
        try coder.field("agent_url", &agentURL)
        try coder.field("webhook_url", &webhookURL)
        try coder.field("webhook_events", &webhookEvents)
        try coder.field("webhook_secret", &webhookSecret)
        try coder.field("webhook_status", &webhookStatus)
    }

    /// The member that is out of its range, with its value and what is allowed; nil when all are inside.
    package var outOfRange: (field: String, value: Int, allowed: ClosedRange<Int>)? {
        [
            ("forget_after_seconds", forgetAfterSeconds, Self.forgetAfterSecondsAllowed),
            ("keep_events_days", keepEventsDays, Self.keepDaysAllowed),
            ("keep_commands_days", keepCommandsDays, Self.keepDaysAllowed),
            ("keep_audit_days", keepAuditDays, Self.keepDaysAllowed),
        ].first { !$0.2.contains($0.1) }
    }
}

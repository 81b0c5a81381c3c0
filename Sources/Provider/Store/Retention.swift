import FleetAPI

/// How long, and how many of, what is history is kept.
struct Retention: Sendable, Equatable {
    var eventsDays = 30
    /// Ended commands; one that is open stays however old it is.
    var commandsDays = 90
    var auditDays = 365

    /// The most rows of each, whatever their age.
    var eventLimit = 1_000_000
    var commandLimit = 1_000_000
    var auditLimit = 1_000_000

    /// How long a caller's key stands for its request.
    static let keyTime = Duration.seconds(86_400)
}

extension Retention {
    /// As long as the settings say.
    init(_ settings: ProviderSettings) {
        (eventsDays, commandsDays) = (settings.keepEventsDays, settings.keepCommandsDays)
        auditDays = settings.keepAuditDays
    }
}

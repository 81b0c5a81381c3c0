package import FleetAPI

/// Whether a certificate is good now, and for how long.
package enum CertificateAge: Sendable, Equatable {
    /// How long before the end people are warned.
    package static let notice = Duration.seconds(14 * 86_400)

    case notYet, good, endsSoon, ended

    package init(from beginsAt: Timestamp, to expiresAt: Timestamp, at now: Timestamp) {
        if expiresAt <= now {
            self = .ended
        } else if beginsAt > now {
            self = .notYet
        } else {
            self = expiresAt < now + Self.notice ? .endsSoon : .good
        }
    }
}

/// Decides when the log tells of the age of a certificate: when that changes, and once a day while it is not good.
struct CertificateReminder: Sendable {
    private static let interval = Duration.seconds(86_400)

    private var told: (age: CertificateAge, expiresAt: Timestamp, at: Int64)?

    /// - Returns: what the log should say now; nil for nothing.
    mutating func due(_ age: CertificateAge, expiresAt: Timestamp, at now: Moment) -> CertificateAge? {
        let isNews = told.map { $0.age != age || $0.expiresAt != expiresAt } ?? true
        let isRepeated = told.map { now.monotonic - $0.at >= Self.interval.nanoseconds } ?? false
        guard isNews || age != .good && isRepeated else { return nil }
        told = (age, expiresAt, now.monotonic)
        return age
    }
}

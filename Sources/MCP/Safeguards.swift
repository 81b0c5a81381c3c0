/// What bounds the calls, whatever a model asks for.
package struct Safeguards: Sendable {
    /// Which actions a person confirms.
    package var confirmation = ConfirmationPolicy.bulk
    /// The most calls at work at one time.
    package var callsAtOnce = 16
    /// The most actions in any minute.
    package var actionsPerMinute = 10
    /// Where each action is noted.
    package var auditLog: AuditLog?

    package init() {}

    /// Nobody is asked, nothing is counted or noted.
    package static var none: Safeguards {
        var none = Safeguards()
        none.confirmation = .never
        none.actionsPerMinute = .max
        return none
    }
}

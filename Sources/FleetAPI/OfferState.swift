/// What became of a configuration or of connection settings that were offered to an agent.
package enum OfferState: String, RESTEnum {
    /// Not handed over yet.
    case queued
    /// Handed over, or about to be: the agent has not said what it makes of it.
    case sent
    /// The agent is about it.
    case applying
    /// The agent said so, with the hash that was offered.
    case applied
    /// The agent refused it, or could not run on it. It is not offered again by itself.
    case failed
    /// No word came in time, or the agent never reports outcomes.
    case unconfirmed
    /// Withdrawn, or superseded, before it was handed over.
    case cancelled
    /// Never handed over in its time.
    case expired
}

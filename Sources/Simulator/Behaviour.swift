/// How a simulated agent behaves, and where it misbehaves on purpose.
package struct Behaviour: Sendable, Equatable {
    /// Zero sends no heartbeats.
    package var heartbeat = Duration.seconds(30)
    /// How often it reports without heartbeats; zero for not at all. An agent without a connection hears only so.
    package var poll = Duration.zero
    /// Where it is connected to; an offer of another endpoint cannot be taken.
    package var serverURL = ""
    /// It takes a token that it is offered, and shows that from then on.
    package var enrols = false
    /// Each configuration it is offered is reported as failed.
    package var failsConfigurations = false
    /// It goes on with its own instance UID, whatever it is offered.
    package var keepsUID = false
    /// Commands, custom messages and offers change nothing and are not answered.
    package var ignoresCommands = false
    /// How long every answer to something the server asked is held back.
    package var answerDelay = Duration.zero
    /// `start_time_unix_nano` holds the time since the start, so that each report has another value.
    package var reportsUptimeAsStartTime = false
    /// From then on it neither sends nor answers, not even pings, and keeps its connection.
    package var silentFrom: UnixTime?

    package init() {}
}

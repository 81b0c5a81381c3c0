import FleetAPI
import HummingbirdCore
import JSON
import NIOCore
import OpAMP
import ServiceLifecycle

/// Server-sent events: what happened after a certain event, then everything as it happens.
///
/// Each event has its number as `id`. Where events are left out by the filter, the id moves on with the next sign of
/// life, so that a client that comes back is not told of them again. Spec: WHATWG HTML, "Server-sent events".
struct EventStream: Sendable {
    /// How long nothing may be written.
    static let beatInterval = Duration.seconds(15)
    /// How long a client waits before it comes back.
    private static let retryMilliseconds = 3000

    let fleet: Fleet
    let place: EventFeed.Place
    let selection: EventSelection
    /// The number of the last event that the client has; nil: it wants new ones only.
    let start: Int?
    var beatInterval = beatInterval

    /// Writes until the client goes away or the provider stops.
    ///
    /// Reads on only when the client has taken what was written before.
    @concurrent func write(to writer: inout any ResponseBodyWriter) async throws {
        var reader = EventReader(fleet.store, after: start ?? .max)
        var told = reader.position
        try await writer.write(ByteBuffer(string: "retry: \(Self.retryMilliseconds)\nid: \(told)\n\n"))
        var wroteAt = ContinuousClock.now
        for await _ in place.signals {
            var text = ""
            repeat {
                let events = try await reader.next()
                let uid = fleet.present(selection.uid)
                for event in events where selection.matches(event, uidNow: uid) {
                    text += "id: \(event.number)\ndata: \(event.json.text)\n\n"
                    told = event.number
                }
                if events.isEmpty { break }
                if !text.isEmpty {
                    try await writer.write(ByteBuffer(string: text))
                    (text, wroteAt) = ("", .now)
                }
            } while !Task.isCancelled
            guard wroteAt.duration(to: .now) >= beatInterval else { continue }
            try await writer.write(
                ByteBuffer(string: told == reader.position ? ":\n\n" : ":\nid: \(reader.position)\n\n"))
            (told, wroteAt) = (reader.position, .now)
        }
    }

    /// The body of an answer.
    var body: ResponseBody {
        ResponseBody { writer in
            try await withGracefulShutdownHandler {
                try await write(to: &writer)
            } onGracefulShutdown: {
                place.end()
            }
            try await writer.finish(nil)
        }
    }
}

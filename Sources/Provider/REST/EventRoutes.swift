import FleetAPI
import HTTPTypes
import HummingbirdCore
import JSON

extension Route {
    /// What happened, and what happens.
    static let events = [
        Route(
            .get, "/api/v1/events",
            "What happened, newest first. With a filter a page may be short of events and still have a next one.",
            .eventAgent, .filter, .eventKinds, .moment("since", "only what happened since then"), .eventCounts,
            .pageSize, .cursor, answers: [.ok(EventPage.self)], refusals: [404, 409]
        ) { call, agent, filter, kinds, since, isCounted, limit, cursor in
            var selection = try selection(call, agent, kinds)
            selection.since = since
            var page = try await call.fleet.events(selection, of: filter, limit: limit, cursor: cursor)
            if isCounted { page.counts = try await call.fleet.eventCounts(selection, of: filter) }
            return Answer(json: page.json)
        },
        Route(
            .get, "/api/v1/events/stream",
            "What happens, as server-sent events with the number of each as `id`; goes on after the last one known.",
            .eventAgent, .eventKinds, .lastEventIDField, .lastEventID, answers: [.text("text/event-stream")],
            refusals: [404, 409]
        ) { call, agent, kinds, toldLast, startedWith in
            // What a client was told last goes before what it was started with.
            let stream = try call.fleet.eventStream(try selection(call, agent, kinds), after: toldLast ?? startedWith)
            return Answer(
                fields: [.contentType: "text/event-stream", .cacheControl: "no-store", .xAccelBuffering: "no"],
                body: stream.body)
        },
    ]

    private static func selection(
        _ call: Call, _ agent: String?, _ kinds: [String]?
    ) throws(Problem) -> EventSelection {
        var selection = EventSelection()
        if let agent { selection.uid = try call.fleet.subject(of: agent) }
        selection.kinds = kinds.map(Set.init)
        return selection
    }
}

extension Input where Value == String? {
    fileprivate static var eventAgent: Input {
        text("agent", "only what happened to this agent; its full uid also when it has been forgotten")
    }
}

extension Input where Value == Bool {
    fileprivate static var eventCounts: Input {
        let schema: JSON = ["type": "boolean", "default": false]
        return Input("counts", "whether to count all that is selected by kind", schema: schema) {
            query throws(Problem) in
            try query.flag("counts")
        }
    }
}

extension Input where Value == [String]? {
    fileprivate static var eventKinds: Input { list("kind", "only these kinds", of: FleetEvent.kinds) }
}

extension Input where Value == Int? {
    private static let schema: JSON = ["type": "integer", "minimum": 0]

    fileprivate static var lastEventID: Input {
        Input("last_event_id", "the number of the last event that is known", schema: schema) { query throws(Problem) in
            try number(query["last_event_id"], "last_event_id")
        }
    }

    fileprivate static var lastEventIDField: Input {
        let declaration = InputDeclaration(
            .header, "Last-Event-ID", "the same, as clients send it that come back", isRequired: false
        ) { _ in schema }
        return Input(declaration) { call throws(Problem) in
            try number(call.fields[.lastEventID], "Last-Event-ID")
        }
    }

    private static func number(_ text: String?, _ field: String) throws(Problem) -> Int? {
        guard let text else { return nil }
        guard let number = Int(text), number >= 0 else {
            throw .badRequest(
                field: field, value: text, "this is the number of an event, a whole number from 0 on")
        }
        return number
    }
}

extension HTTPField.Name {
    // Parsed once; the names are valid tokens.
    fileprivate static let lastEventID = HTTPField.Name("Last-Event-ID").unsafelyUnwrapped
    /// Has proxies that understand it pass on what is written at once.
    fileprivate static let xAccelBuffering = HTTPField.Name("X-Accel-Buffering").unsafelyUnwrapped
}

package import JSON

/// The body of `PUT agents/{ref}/config`: all files of the configuration that the agent is to run on.
package struct ConfigRequest: RESTObject, Equatable {
    /// How long an offer waits for an agent that is away, unless the request says otherwise.
    package static let defaultExpirySeconds = 86_400

    package var files = ConfigFiles()
    /// Must be given with no file at all: it takes everything from the agent.
    package var stopAgent = false
    /// How long it may wait to be handed over; default 86,400.
    package var expiresSeconds: Int?
    /// How long proof is waited for after it was sent; default 60.
    package var confirmSeconds: Int?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.required("files", &files)
        try coder.field("stop_agent", &stopAgent)
        try coder.field("expires_seconds", &expiresSeconds, in: CommandRequest.expiresSecondsAllowed)
        try coder.field("confirm_seconds", &confirmSeconds, in: CommandRequest.confirmSecondsAllowed)
    }
}

/// Files by name, as they were written: names that are equal only as texts stay apart until they are checked.
package struct ConfigFiles: RESTValue, Equatable {
    package var all: [(name: String, file: ConfigFile)] = []

    package init(_ files: [(name: String, file: ConfigFile)] = []) {
        all = files
    }

    /// - Throws: for a file that has not the shape of one, or a member that files do not have.
    package init(json: JSON) throws(ShapeError) {
        guard let object = json.object else { throw ShapeError(expected: "an object", found: json) }
        for (name, value) in object.members {
            do throws(ShapeError) {
                all.append((name, try Strict<ConfigFile>(json: value).value))
            } catch { throw error.inside(name) }
        }
    }

    package var json: JSON { .object(.init(all.map { (key: $0.name, value: $0.file.json) })) }

    package static func schema(_ schemas: Schemas) -> JSON { [String: Strict<ConfigFile>].schema(schemas) }

    package static func == (left: Self, right: Self) -> Bool { left.json == right.json }
}

/// The body of `POST agents/{ref}/config/rollback`.
package struct RollbackRequest: RESTObject, Equatable {
    /// The revision to take the content of; absent: the last one before the present one that was applied.
    package var revision: Int?
    package var expiresSeconds: Int?
    package var confirmSeconds: Int?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.field("revision", &revision)
        try coder.field("expires_seconds", &expiresSeconds, in: CommandRequest.expiresSecondsAllowed)
        try coder.field("confirm_seconds", &confirmSeconds, in: CommandRequest.confirmSecondsAllowed)
    }
}

/// The body of `POST agents/{ref}/config/retry`.
package struct RetryRequest: RESTObject, Equatable {
    package var expiresSeconds: Int?
    package var confirmSeconds: Int?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.field("expires_seconds", &expiresSeconds, in: CommandRequest.expiresSecondsAllowed)
        try coder.field("confirm_seconds", &confirmSeconds, in: CommandRequest.confirmSecondsAllowed)
    }
}

import JSON

/// Who answers: the server's name and version as clients see them.
package struct ServerInfo: Sendable {
    let json: JSON

    /// - Parameter title: the name for people, where it differs.
    package init(name: String, version: String, title: String? = nil) {
        var object = JSON.Object([("name", .string(name))])
        object["title"] = title.map { .string($0) }
        object["version"] = .string(version)
        json = .object(object)
    }
}

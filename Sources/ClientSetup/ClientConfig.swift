import JSON

/// How a client starts this program, as the block for its configuration file.
package struct ClientConfig: Sendable {
    /// The name under which clients know the server, unless `--name` says otherwise.
    package static let serverName = "opamp"

    let name: String
    let launch: Launch

    /// - Parameters:
    ///   - program: absolute path of the binary.
    ///   - settings: whose flags the block repeats. A token from the environment is never in it.
    ///   - absolute: makes the path of a file absolute.
    package init(program: String, settings: Settings, absolute: (String) -> String) {
        name = settings.setup.name
        launch = Launch(program: program, settings: settings, absolute: absolute)
    }

    /// The block, ending with a newline.
    package func block(for client: Client) -> String {
        switch client.format {
        case .json(let container, let type):
            // Texts and lists of them can always be written.
            String(decoding: (try? json(container, type).bytes(.pretty)) ?? [], as: UTF8.self) + "\n"
        case .toml: launch.table(name)
        case .yaml: launch.yaml(name)
        }
    }

    private func json(_ container: String, _ type: String?) -> JSON {
        let server = JSON.object(JSON.Object(launch.members(type: type)))
        return .object(JSON.Object([(container, .object(JSON.Object([(name, server)])))]))
    }
}

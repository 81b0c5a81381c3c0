import FleetAPI
import JSON

/// The files that define commands, as they were last read: decides what is defined and what is wrong. Does no I/O.
///
/// A wrong file changes nothing: what it defined before stays until it is right or gone. Where two files define the same
/// name, the first file by its name counts.
struct DefinitionFiles: Sendable {
    static let fileLimit = 200
    /// The most bytes of one file.
    static let byteLimit = 256 << 10

    private struct File: Sendable {
        var kinds: [CommandKind] = []
        var error: DefinitionError?
    }

    private var files: [String: File] = [:]

    /// Takes what a file holds now.
    mutating func take(_ bytes: [UInt8], of file: String) {
        do throws(DefinitionError) {
            files[file] = File(kinds: try Self.kinds(in: bytes))
        } catch {
            fail(error, of: file)
        }
    }

    /// Notes that a file cannot be read.
    mutating func fail(_ error: DefinitionError, of file: String) {
        var error = error
        error.file = file
        files[file, default: File()].error = error
    }

    mutating func remove(_ file: String) { files[file] = nil }

    /// All that is defined, by name, and all that is wrong, by file.
    var result: (kinds: [CommandKind], errors: [DefinitionError]) {
        var kinds: [String: CommandKind] = [:]
        var origin: [String: String] = [:]
        var errors: [DefinitionError] = []
        for (name, file) in files.sorted(by: { $0.key < $1.key }) {
            if let error = file.error { errors.append(error) }
            for kind in file.kinds {
                if let other = origin[kind.name] {
                    var error = DefinitionError(
                        member: "name", reason: "\"\(kind.name)\" is defined in \(other) already")
                    error.file = name
                    errors.append(error)
                } else {
                    (kinds[kind.name], origin[kind.name]) = (kind, name)
                }
            }
        }
        return (kinds.values.sorted { $0.name < $1.name }, errors)
    }

    /// What a file defines: one object, or an array of them.
    private static func kinds(in bytes: [UInt8]) throws(DefinitionError) -> [CommandKind] {
        let json: JSON
        do { json = try JSON(parsing: bytes, limit: byteLimit) } catch {
            throw DefinitionError(member: nil, reason: "it is not JSON: \(error)")
        }
        var kinds: [CommandKind] = []
        for value in json.array ?? [json] {
            guard let object = value.object else {
                throw DefinitionError(
                    member: nil, reason: "it holds \(value.kind), not an object that defines a command")
            }
            let names = CommandDefinition.fieldNames
            if let unknown = object.members.first(where: { !names.contains($0.key) }) {
                throw DefinitionError(
                    member: unknown.key, reason: "does not exist; the members are: \(names.joined(separator: ", "))")
            }
            let definition: CommandDefinition
            do { definition = try CommandDefinition(json: value) } catch {
                throw DefinitionError(member: error.path.isEmpty ? nil : error.path, reason: error.message)
            }
            let kind = try definition.kind()
            if kinds.contains(where: { $0.name == kind.name }) {
                throw DefinitionError(member: "name", reason: "\"\(kind.name)\" is defined twice in it")
            }
            kinds.append(kind)
        }
        return kinds
    }
}

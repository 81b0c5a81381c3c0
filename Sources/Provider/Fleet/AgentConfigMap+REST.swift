import FleetAPI
import Foundation
import OpAMP

extension AgentConfigMap {
    private static let nameLimit = 255

    /// The files of a request, checked.
    ///
    /// - Throws: 400 for names, roles and contents that cannot be, 422 for content that was read masked; with file and
    ///   line.
    init(_ files: ConfigFiles) throws(Problem) {
        self.init()
        for (name, file) in files.all {
            try Self.check(name)
            let field = "files.\(name)"
            guard configMap[name] == nil else {
                throw .badRequest(field: field, "this file is given twice, or two names are the same text")
            }
            var object = AgentConfigObject()
            object.body = try Self.body(of: file, field)
            object.contentType = file.contentType ?? Self.contentType(of: name)
            object.role = file.role ?? ""
            for (text, member) in [(object.contentType, "content_type"), (object.role, "role")] {
                guard text.utf8.count <= Self.nameLimit, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
                    throw .badRequest(
                        field: "\(field).\(member)", value: text,
                        "\(member) has at most \(Self.nameLimit) bytes and no control characters"
                    )
                }
            }
            configMap[name] = object
        }
    }

    /// An empty name is a name. Spec: OpAMP, "AgentConfigMap.config_map".
    private static func check(_ name: String) throws(Problem) {
        let hasControls = name.unicodeScalars.contains { $0.properties.generalCategory == .control }
        guard name.utf8.count <= nameLimit, !hasControls else {
            throw .badRequest(
                field: "files", value: name.prefixUTF8(nameLimit),
                "a file name has at most \(nameLimit) bytes and no control characters"
            )
        }
    }

    private static func body(of file: ConfigFile, _ field: String) throws(Problem) -> Data {
        if file.encoding == .base64 {
            if let data = Data(base64Encoded: file.content) { return data }
            throw .badRequest(field: "\(field).content", "the content is not base64 with padding")
        }
        if let line = SecretMask.firstMark(in: file.content) {
            throw .masked(line, in: field)
        }
        return Data(file.content.utf8)
    }

    private static func contentType(of name: String) -> String {
        let lower = name.lowercased()
        if lower.hasSuffix(".yaml") || lower.hasSuffix(".yml") { return "text/yaml" }
        return lower.hasSuffix(".json") ? "application/json" : "text/plain"
    }

    /// The files with their contents, secrets masked unless `isUnmasked`.
    func told(isUnmasked: Bool) -> [String: ConfigFile] {
        configMap.mapValues { object in
            var file = ConfigFile()
            let masked = isUnmasked ? Array(object.body) : SecretMask.masked(Array(object.body))
            if let text = String(validating: masked, as: UTF8.self) {
                file.content = text
            } else {
                (file.content, file.encoding) = (Data(masked).base64EncodedString(), .base64)
            }
            file.contentType = object.contentType.nonEmpty
            file.role = object.role.nonEmpty
            file.bytes = object.body.count
            return file
        }
    }

    /// The files without their contents, in the order of their names.
    var listed: [ConfigRevision.File] {
        configMap.sorted { $0.key < $1.key }.map { name, object in
            var file = ConfigRevision.File()
            (file.name, file.bytes) = (name, object.body.count)
            (file.contentType, file.role) = (object.contentType.nonEmpty, object.role.nonEmpty)
            return file
        }
    }
}

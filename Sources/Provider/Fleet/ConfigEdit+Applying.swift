import FleetAPI
import Foundation
import OpAMP

/// A configuration with one of its files changed.
struct EditedConfig: Sendable {
    let map: AgentConfigMap
    let file: String
    let before: String
    let after: String
}

extension ConfigEdit {
    /// Why one configuration cannot be changed as asked, in words that follow the number of agents.
    struct Refusal: Error, Equatable {
        let why: String
    }

    /// - Throws: 400 for what cannot go together or is too long, 422 for content that was read masked, with its line.
    func check() throws(Problem) {
        guard (content == nil) != (find == nil) else {
            throw .badRequest(field: "config", "config takes either content or find")
        }
        if let find, find.isEmpty { throw .badRequest(field: "config.find", value: "", "find is empty") }
        if content != nil, replace != nil || all {
            throw .badRequest(field: "config", "replace and all go with find; leave them out, or content")
        }
        for (name, text) in [("content", content), ("find", find), ("replace", replace)] {
            guard let text else { continue }
            guard text.utf8.count <= Self.textLimit else {
                throw .badRequest(
                    field: "config.\(name)", "\(name) has \(text.utf8.count) bytes, at most \(Self.textLimit) may be")
            }
            if let line = SecretMask.firstMark(in: text) { throw .masked(line, in: "config.\(name)") }
        }
        // Names are checked where configurations are offered by themselves, too.
        if let file { _ = try AgentConfigMap(ConfigFiles([(file, ConfigFile())])) }
    }

    /// The configuration as it is to be.
    func applied(to map: AgentConfigMap) throws(Refusal) -> EditedConfig {
        let names = map.configMap.keys.sorted()
        guard let name = file ?? (names.count == 1 ? names[0] : names.isEmpty && content != nil ? "" : nil) else {
            throw Refusal(why: names.isEmpty ? "without a configuration" : "with several files: name one with file")
        }
        let present = map.configMap[name]
        guard let before = String(validating: present?.body ?? Data(), as: UTF8.self) else {
            throw Refusal(why: "with a file that is not text")
        }
        if present == nil, content == nil { throw Refusal(why: "without that file") }
        let after = if let content { content } else { try replaced(in: before) }
        guard present == nil || after != before else { throw Refusal(why: "with this configuration already") }
        guard SecretMask.firstMark(in: after) == nil else { throw Refusal(why: "with a masked secret in the file") }
        var changed = map
        if present == nil {
            // Its name was checked.
            var file = ConfigFile()
            file.content = after
            guard let new = try? AgentConfigMap(ConfigFiles([(name, file)])) else { throw Refusal(why: "without it") }
            changed.configMap[name] = new.configMap[name]
        } else {
            changed.configMap[name]?.body = Data(after.utf8)
        }
        return EditedConfig(map: changed, file: name, before: before, after: after)
    }

    private func replaced(in text: String) throws(Refusal) -> String {
        let (bytes, sought) = (Array(text.utf8), Array((find ?? "").utf8))
        let places = Self.places(of: sought, in: bytes)
        guard let first = places.first else { throw Refusal(why: "without the text to find") }
        guard all || places.count == 1 else { throw Refusal(why: "with the text to find more than once") }
        var result = Array(bytes[..<first])
        for (index, place) in places.enumerated() {
            result += Array((replace ?? "").utf8)
            let end = index + 1 < places.count ? places[index + 1] : bytes.count
            result += bytes[(place + sought.count)..<end]
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Where one text is in another, from left to right without overlaps. Linear, whatever the texts: Knuth, Morris, Pratt.
    private static func places(of sought: [UInt8], in bytes: [UInt8]) -> [Int] {
        guard !sought.isEmpty, sought.count <= bytes.count else { return [] }
        /// How much of the beginning each beginning ends with.
        var borders = [0]
        for index in sought.indices.dropFirst() {
            var border = borders[index - 1]
            while border > 0, sought[index] != sought[border] { border = borders[border - 1] }
            borders.append(sought[index] == sought[border] ? border + 1 : 0)
        }
        var (places, matched): ([Int], Int) = ([], 0)
        for index in bytes.indices {
            while matched > 0, bytes[index] != sought[matched] { matched = borders[matched - 1] }
            if bytes[index] == sought[matched] { matched += 1 }
            guard matched == sought.count else { continue }
            places.append(index + 1 - sought.count)
            matched = 0
        }
        return places
    }
}

extension Problem {
    /// Content that was read with a secret masked, and would overwrite the secret.
    static func masked(_ line: Int, in field: String) -> Problem {
        .refused(
            422, "Masked secret", field: field, value: "line \(line)",
            "line \(line) holds \(SecretMask.mark), which stands for a secret that was hidden when the file was read; "
                + "put the secret itself there, or a reference to the environment"
        )
    }
}

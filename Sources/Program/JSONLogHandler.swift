import FoundationEssentials
import Glibc
import JSON
import Logging

/// Log entries as JSON lines on standard error: `label`, `level`, `message`, `time`, and the metadata as strings.
struct JSONLogHandler: LogHandler {
    var logLevel = Logger.Level.info
    var metadata = Logger.Metadata()
    var metadataProvider: Logger.MetadataProvider?
    private let label: String

    init(label: String) {
        self.label = label
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
        var line: JSON.Object = .init(all.map { (key: $0.key, value: .string("\($0.value)")) })
        line["label"] = .string(label)
        line["level"] = .string(event.level.rawValue)
        line["message"] = .string(event.message.description)
        line["time"] = .string(Date.now.formatted(.iso8601))
        printLine(JSON.object(line).text, to: STDERR_FILENO)
    }
}

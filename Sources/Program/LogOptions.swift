import ArgumentParser
package import Logging

/// The flags of every program for its log, which goes to standard error.
package struct LogOptions: ParsableArguments {
    package enum Format: String, CaseIterable, ExpressibleByArgument, Sendable {
        case text, json
    }

    private static let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")

    @Option(
        name: .customLong("log-level"),
        help: ArgumentHelp("The least important log entries shown: \(levels).", valueName: "level"),
        transform: { text in
            guard let level = Logger.Level(rawValue: text) else { throw ValidationError("allowed are \(levels)") }
            return level
        }
    )
    private var level = Logger.Level.info

    @Option(name: .customLong("log-format"), help: "text or json.")
    private var format = Format.text

    package init() {}

    /// Sets up the log of the process, once, and gives the program's own logger.
    package func makeLogger(_ label: String) -> Logger {
        LoggingSystem.bootstrap { [format] label in
            switch format {
            case .text: StreamLogHandler.standardError(label: label)
            case .json: JSONLogHandler(label: label)
            }
        }
        var logger = Logger(label: label)
        logger.logLevel = level
        return logger
    }
}

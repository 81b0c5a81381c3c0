import FoundationEssentials
import OpAMP
import SwiftProtobuf

/// The remote configuration that an agent was offered last, and what has become of it.
struct OfferedConfig: Sendable {
    let hash: Data
    /// Empty again once there is an outcome.
    var files: [String: AgentConfigObject]
    var outcome = Outcome.applying
    /// Whether the same configuration has failed before.
    var isRetry = false

    enum Outcome: Sendable, Equatable {
        case applying
        case applied
        case failed(String)
    }

    var hasFailed: Bool {
        if case .failed = outcome { true } else { false }
    }

    init(_ offer: AgentRemoteConfig) {
        hash = offer.configHash
        files = offer.config.configMap
    }

    /// Why the agent cannot run this: a line of a file that says so, for tests.
    ///
    /// `# sim: fail` fails each time it is offered, `# sim: fail once` only the first time.
    var failure: String? {
        for (name, file) in files.sorted(by: { $0.key < $1.key }) {
            let lines = file.body.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            for (index, line) in lines.enumerated() {
                let text = Self.trimmed(line)
                if text == "# sim: fail" || (text == "# sim: fail once" && !isRetry) {
                    return "\(name):\(index + 1): the configuration is not valid: \(text)"
                }
            }
        }
        return nil
    }

    var report: RemoteConfigStatus {
        .with {
            $0.lastRemoteConfigHash = hash
            switch outcome {
            case .applying: $0.status = .applying
            case .applied: $0.status = .applied
            case .failed(let reason):
                $0.status = .failed
                $0.errorMessage = reason
            }
        }
    }

    private static func trimmed(_ line: some BidirectionalCollection<UInt8>) -> String {
        let isSpace: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == 9 || $0 == 13 }
        let text = line.drop(while: isSpace)
        return String(decoding: text.reversed().drop(while: isSpace).reversed(), as: UTF8.self)
    }
}

import FoundationEssentials
import OpAMP
import SwiftProtobuf

extension AgentProfile {
    /// The plugins that are built into an agent of this type and version, by stage; the same for all of them.
    var availableComponents: AvailableComponents {
        .with {
            $0.hash = availableComponentsHash
            $0.components = [
                "input": Self.details(type.inputs.map(\.0), version), "filter": Self.details(type.filters, version),
                "output": Self.details(type.outputs.map(\.0), version),
            ]
        }
    }

    /// 16 bytes that differ by type and version.
    var availableComponentsHash: Data {
        let seed = "\(type.serviceName) \(version)".utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3
        }
        var random = SeededGenerator(seed: seed)
        return InstanceUID(high: random.next(), low: random.next()).data
    }

    private static func details(_ plugins: [String], _ version: String) -> ComponentDetails {
        .with {
            for plugin in plugins {
                $0.subComponentMap[plugin] = .with { $0.metadata = [KeyValue("version", version)] }
            }
        }
    }
}

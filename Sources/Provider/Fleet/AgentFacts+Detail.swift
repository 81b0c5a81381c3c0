import FleetAPI
import JSON
import OpAMP
import SwiftProtobuf

extension AgentFacts {
    /// The health tree; nil before the first report of health.
    var healthTree: ComponentHealthTree? {
        guard isHealthy != nil, let tree = try? ComponentHealth(serializedBytes: health) else { return nil }
        return ComponentHealthTree(tree)
    }

    var configSummary: ConfigSummary {
        var summary = ConfigSummary()
        (summary.files, summary.hash) = (configFiles, configHash)
        (summary.status, summary.error) = (configStatus, configError)
        return summary
    }

    /// The available components as the agent reported them; nil when it reported none.
    var componentTree: JSON? {
        guard !components.isEmpty, let reported = try? AvailableComponents(serializedBytes: components) else {
            return nil
        }
        return JSON(reported.components)
    }

    var attributesByKind: AgentDetail.Attributes {
        var result = AgentDetail.Attributes()
        for attribute in attributes {
            if attribute.isIdentifying {
                result.identifying[attribute.key] = attribute.value
            } else {
                result.nonIdentifying[attribute.key] = attribute.value
            }
        }
        return result
    }
}

extension ComponentHealthTree {
    init(_ health: ComponentHealth) {
        self.init()
        healthy = health.healthy
        status = health.status.nonEmpty
        lastError = health.lastError.nonEmpty
        started = Timestamp(unixNanoseconds: health.startTimeUnixNano)
        statusTime = Timestamp(unixNanoseconds: health.statusTimeUnixNano)
        components = health.componentHealthMap.mapValues { ComponentHealthTree($0) }
    }
}

extension Timestamp {
    /// nil for 0 and for what no date can be.
    init?(unixNanoseconds: UInt64) {
        guard unixNanoseconds > 0, let nanoseconds = Int64(exactly: unixNanoseconds) else { return nil }
        self.init(nanoseconds: nanoseconds)
    }
}

extension JSON {
    init(_ components: [String: ComponentDetails]) {
        self = .object(
            .init(
                components.sorted { $0.key < $1.key }.map { name, details in
                    (
                        key: name,
                        value: [
                            "metadata": .object(
                                .init(details.metadata.map { (key: $0.key, value: JSON($0.value)) })
                            ),
                            "components": JSON(details.subComponentMap),
                        ]
                    )
                }
            )
        )
    }
}

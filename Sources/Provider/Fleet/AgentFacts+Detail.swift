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

    /// What the agent says of its packages; nil when it says nothing.
    var packageReport: PackageReport? {
        guard !packages.isEmpty, let reported = try? PackageStatuses(serializedBytes: packages) else { return nil }
        var report = PackageReport()
        report.offeredHash = hex(reported.serverProvidedAllPackagesHash).nonEmpty
        report.error = Self.shownError(reported.errorMessage)
        report.packages = reported.packages.sorted { $0.key < $1.key }.map { name, status in
            var package = PackageReport.Package()
            (package.name, package.status) = (name, status.status.word)
            (package.agentHasVersion, package.serverOfferedVersion) = (
                status.agentHasVersion.nonEmpty, status.serverOfferedVersion.nonEmpty
            )
            package.error = Self.shownError(status.errorMessage)
            return package
        }
        return report
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

extension PackageStatusEnum {
    fileprivate var word: String {
        switch self {
        case .installed: "installed"
        case .installPending: "install_pending"
        case .installing: "installing"
        case .installFailed: "install_failed"
        case .downloading: "downloading"
        case .UNRECOGNIZED(let number): "status \(number)"
        }
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
        if !health.attributes.isEmpty {
            let attributes = health.attributes.map { ($0.key, JSON($0.value)) }
            self.attributes = Dictionary(attributes) { first, _ in first }
        }
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

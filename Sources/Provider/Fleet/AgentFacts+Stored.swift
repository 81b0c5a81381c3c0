import FleetAPI
import Foundation
import JSON
import OpAMP

/// How facts are stored: everything that cannot be derived, but for the two protobuf messages beside them.
extension AgentFacts: RESTObject {
    mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        var mask = Int(bitPattern: UInt(capabilities.rawValue))
        var starts = startTimes.map { String($0) }
        try coder.field("attributes", &attributes)
        try coder.field("capabilities", &mask)
        try coder.field("custom_capabilities", &customCapabilities)
        try coder.field("healthy", &isHealthy)
        try coder.field("start_times", &starts)
        try coder.field("error", &error)
        try coder.field("error_component", &errorComponent)
        try coder.field("config_files", &configFiles)
        try coder.field("config_hash", &configHash)
        try coder.field("config_status", &configStatus)
        try coder.field("config_error", &configError)
        try coder.field("config_changed_at", &configChangedAt)
        var (componentsHash, packages) = (
            componentsHash.isEmpty ? nil : componentsHash, packages.isEmpty ? nil : Data(packages).base64EncodedString()
        )
        try coder.field("components_hash", &componentsHash)
        try coder.field("packages", &packages)
        self.componentsHash = componentsHash ?? .none
        self.packages = packages.flatMap { Data(base64Encoded: $0) }.map { Array($0) } ?? []
        var (reported, settings) = (reportedConfig.isEmpty ? nil : reportedConfig, connection?.value)
        try coder.field("reported_config_hash", &reported)
        try coder.field("connection_settings", &settings)
        (reportedConfig, connection) = (reported ?? .none, settings.map { Boxed($0) })
        capabilities = AgentCapabilities(rawValue: UInt64(UInt(bitPattern: mask)))
        startTimes = starts.compactMap { UInt64($0) }
    }
}

extension AgentRecord.Attribute: RESTObject {
    init() {
        self.init(key: "", value: .null, isIdentifying: false)
    }

    mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        var (key, value, isIdentifying) = (key, value, isIdentifying)
        try coder.required("key", &key)
        try coder.field("value", &value)
        try coder.field("identifying", &isIdentifying)
        self = Self(key: key, value: value, isIdentifying: isIdentifying)
    }
}

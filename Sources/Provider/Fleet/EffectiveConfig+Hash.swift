import Crypto
import Foundation
import OpAMP

extension EffectiveConfig {
    /// SHA-256 over all files in the order of their names, as hex: equal for equal configurations, however encoded.
    ///
    /// A map without roles is hashed without them, one with roles as an offer is.
    var contentHash: String {
        if configMap.configMap.values.contains(where: { !$0.role.isEmpty }) { return configMap.offerHash.hex }
        var hash = SHA256()
        for (name, file) in configMap.configMap.sorted(by: { $0.key < $1.key }) {
            for part in [Data(name.utf8), Data(file.contentType.utf8), file.body] {
                withUnsafeBytes(of: UInt64(part.count).littleEndian) { hash.update(bufferPointer: $0) }
                hash.update(data: part)
            }
        }
        return hex(hash.finalize())
    }
}

extension AgentConfigMap {
    /// SHA-256 over everything an offer says: names, contents, content types and roles, each with its length before it,
    /// so that no two different offers are hashed alike. Spec: OpAMP, "AgentRemoteConfig.config_hash".
    var offerHash: ContentHash {
        var hash = SHA256()
        func add(_ number: UInt64) { withUnsafeBytes(of: number.littleEndian) { hash.update(bufferPointer: $0) } }
        // No part is as long as this: what is hashed without roles never begins like it.
        add(.max)
        add(UInt64(configMap.count))
        for (name, file) in configMap.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            for part in [Data(name.utf8), Data(file.contentType.utf8), Data(file.role.utf8), file.body] {
                add(UInt64(part.count))
                hash.update(data: part)
            }
        }
        return ContentHash(Array(hash.finalize()))
    }
}

/// Lower-case hex digits of bytes.
func hex(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

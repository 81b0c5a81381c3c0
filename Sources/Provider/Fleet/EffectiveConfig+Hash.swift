import Crypto
import Foundation
import OpAMP

extension EffectiveConfig {
    /// SHA-256 over all files in the order of their names, as hex: equal for equal configurations, however encoded.
    var contentHash: String {
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

/// Lower-case hex digits of bytes.
func hex(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

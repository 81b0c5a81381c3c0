import Glibc
import NIOCore

/// Where connections come from, as far as limits tell that apart: one IPv4 address, or the /64 of an IPv6 address, since
/// one host may have every address of it.
struct PeerNetwork: Hashable, Sendable {
    private let bits: UInt64
    private let isIPv6: Bool
    /// Whether it is this machine: its programs share the address, and so does everybody behind a proxy on it.
    let isLoopback: Bool

    /// nil for what is not an IP address.
    init?(_ address: SocketAddress?) {
        guard let text = address?.ipAddress else { return nil }
        var short = in_addr()
        if inet_pton(AF_INET, text, &short) == 1 {
            self.init(ipv4: withUnsafeBytes(of: short) { UInt32(bigEndian: $0.loadUnaligned(as: UInt32.self)) })
            return
        }
        var long = in6_addr()
        guard inet_pton(AF_INET6, text, &long) == 1 else { return nil }
        let (high, low) = withUnsafeBytes(of: long) { bytes in
            (
                UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        // An IPv4 address in the clothes of IPv6 is that host.
        if high == 0, low >> 32 == 0xffff {
            self.init(ipv4: UInt32(truncatingIfNeeded: low))
        } else {
            self.init(bits: high, isIPv6: true, isLoopback: high == 0 && low == 1)
        }
    }

    private init(ipv4: UInt32) {
        self.init(bits: UInt64(ipv4), isIPv6: false, isLoopback: ipv4 >> 24 == 127)
    }

    private init(bits: UInt64, isIPv6: Bool, isLoopback: Bool) {
        (self.bits, self.isIPv6, self.isLoopback) = (bits, isIPv6, isLoopback)
    }
}

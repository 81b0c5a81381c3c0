import FleetAPI
import Glibc

/// How often one address may show a wrong token. A pure value of bounded size.
struct FailureLimiter: Sendable {
    /// So many at once, and then one each `interval`.
    static let burst = 10
    static let interval = Duration.seconds(6)
    /// The most addresses that are remembered; past them the one that has been silent longest is forgotten.
    static let addressLimit = 4_096

    /// When an address will have nothing left of its failures, on the monotonic clock.
    private var clears: [String: Int64] = [:]

    /// Whether an address has failed too often.
    ///
    /// - Returns: how long until it may try again; nil when it may now.
    func wait(_ address: String, at now: Moment) -> Duration? {
        guard let clear = clears[Self.network(of: address)] else { return nil }
        let over = clear - now.monotonic - Self.interval.nanoseconds * Int64(Self.burst - 1)
        return over > 0 ? .nanoseconds(over) : nil
    }

    /// Notes a failure.
    mutating func failed(_ address: String, at now: Moment) {
        let network = Self.network(of: address)
        if clears[network] == nil, clears.count >= Self.addressLimit { forget(at: now) }
        let most = now.monotonic + Self.interval.nanoseconds * Int64(Self.burst)
        clears[network] = min(most, max(clears[network] ?? 0, now.monotonic) + Self.interval.nanoseconds)
    }

    /// How many addresses are remembered.
    var count: Int { clears.count }

    private mutating func forget(at now: Moment) {
        clears = clears.filter { $0.value > now.monotonic }
        guard clears.count >= Self.addressLimit, let next = clears.min(by: { $0.value < $1.value }) else { return }
        clears[next.key] = nil
    }

    /// An address without its port; of IPv6 the network, as one host may have every address of it.
    static func network(of address: String) -> String {
        guard let authority = Authority(address) else { return address.prefixUTF8(64) }
        guard authority.host.contains(":") else { return authority.host.prefixUTF8(64) }
        var bytes = in6_addr()
        guard inet_pton(AF_INET6, authority.host, &bytes) == 1 else { return authority.host.prefixUTF8(64) }
        return withUnsafeBytes(of: &bytes) { bytes in
            // An IPv4 address in the clothes of IPv6 is one host.
            let isMapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
            let isLoopback = bytes.prefix(15).allSatisfy { $0 == 0 }
            return bytes.prefix(isMapped || isLoopback ? 16 : 8).map { String($0, radix: 16) }.joined(separator: ".")
        }
    }
}

import NIOCore

extension SocketAddress {
    /// `127.0.0.1:41234` or `[::1]:41234`; nil for what is not an IP address.
    var hostAndPort: String? {
        guard let ipAddress, let port else { return nil }
        return "\(ipAddress.contains(":") ? "[\(ipAddress)]" : ipAddress):\(port)"
    }
}

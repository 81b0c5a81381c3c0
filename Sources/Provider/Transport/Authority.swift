/// A host and perhaps a port, as in a Host header, an Origin or an address to listen on.
package struct Authority: Sendable, Equatable {
    /// In lower case; an IPv6 address is without its brackets.
    package let host: String
    package let port: Int?

    /// Reads `HOST`, `HOST:PORT`, `[IPv6]` or `[IPv6]:PORT`; nil for anything else.
    package init?(_ text: some StringProtocol) {
        var rest = text.lowercased()[...]
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { return nil }
            host = String(rest[rest.index(after: rest.startIndex)..<end])
            guard host.contains(":"), host.utf8.allSatisfy({ Self.ipv6.contains($0) }) else { return nil }
            rest = rest[rest.index(after: end)...]
        } else {
            host = String(rest.prefix { $0 != ":" })
            guard !host.isEmpty, host.utf8.allSatisfy({ Self.name.contains($0) }) else { return nil }
            rest = rest.dropFirst(host.count)
        }
        if rest.isEmpty {
            port = nil
        } else {
            let digits = rest.dropFirst()
            guard rest.first == ":", digits.utf8.allSatisfy({ Self.digits.contains($0) }), let port = UInt16(digits)
            else { return nil }
            self.port = Int(port)
        }
    }

    /// Whether it names this machine and nothing else: `localhost`, `::1`, and 127.0.0.0/8 in four decimal parts.
    package var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil && $0.first != "+" }
    }

    private static let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    private static let ipv6 = Set("0123456789abcdef:.".utf8)
    private static let name = Set("0123456789abcdefghijklmnopqrstuvwxyz.-_".utf8)
}

extension Authority: CustomStringConvertible {
    package var description: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port.map { "\(name):\($0)" } ?? name
    }
}

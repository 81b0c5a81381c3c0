import Glibc
import TestSupport

/// A TCP connection to a loopback port, for bytes that no client would send.
final class RawSocket: Sendable {
    private let descriptor: Int32

    init(port: Int) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let failed = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        precondition(failed == 0, "nobody listens on port \(port): error \(errno)")
    }

    deinit { close(descriptor) }

    /// Ends the connection in both directions.
    func end() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// Done when all is sent, or the other side has ended the connection.
    func send(_ bytes: [UInt8]) async {
        await withCheckedContinuation { sent in
            onOwnThread { [self] in
                var rest = bytes[...]
                while !rest.isEmpty {
                    let count = rest.withUnsafeBytes {
                        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                    }
                    guard count > 0 else { break }
                    rest = rest.dropFirst(count)
                }
                sent.resume()
            }
        }
    }

    func send(_ text: String) async { await send(Array(text.utf8)) }

    /// Exactly that many bytes, or fewer at the end of the connection.
    func receive(_ count: Int) async -> [UInt8] {
        await withCheckedContinuation { received in
            onOwnThread { [self] in
                var buffer = [UInt8](repeating: 0, count: count)
                let got = recv(descriptor, &buffer, count, Int32(MSG_WAITALL))
                received.resume(returning: Array(buffer.prefix(max(0, got))))
            }
        }
    }

    /// All bytes until the other side ends the connection.
    func receiveAll() async -> [UInt8] {
        var all: [UInt8] = []
        while case let part = await receive(1), !part.isEmpty { all += part }
        return all
    }

    /// The head of an HTTP answer, up to its empty line.
    func receiveHead() async -> String {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8), case let byte = await receive(1), !byte.isEmpty {
            head += byte
        }
        return String(decoding: head, as: UTF8.self)
    }
}

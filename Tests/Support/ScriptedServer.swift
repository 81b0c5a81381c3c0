import Glibc
import Synchronization

/// A small HTTP server on a free loopback port that does to each request what the test says.
package final class ScriptedServer: Sendable {
    package struct Request: Sendable {
        package let method: String
        package let path: String
        /// Names in lower case.
        package let headers: [String: String]
        package let body: [UInt8]
        /// Counted from 1, in the order connections were made.
        package let connection: Int
    }

    package enum Reply: Sendable {
        /// A whole answer; the connection stays open.
        case answer(Int, headers: [String: String] = [:], String)
        /// These bytes, and then the end of the connection.
        case cut([UInt8])
        /// Nothing, until the client ends the connection.
        case stall
    }

    private struct State {
        var requests: [Request] = []
        var open: Set<Int32> = []
        var connections = 0
        var isStopped = false
    }

    package let port: Int
    /// One element for each connection that a client ended.
    package let clientEnds: AsyncStream<Void>
    private let ended: AsyncStream<Void>.Continuation
    private let listener: Int32
    private let script: @Sendable (Request) -> Reply
    private let state = Mutex(State())

    /// - Parameter script: called on the connection's thread.
    package init(_ script: @escaping @Sendable (Request) -> Reply) {
        self.script = script
        (clientEnds, ended) = AsyncStream.makeStream()
        let (descriptor, port) = listenOnLoopback()
        (listener, self.port) = (descriptor, port)
        onOwnThread { [weak self] in
            while true {
                let client = accept(descriptor, nil, nil)
                guard client >= 0 else { break }
                guard let self, let number = self.opened(client) else {
                    close(client)
                    break
                }
                onOwnThread { self.serve(client, number) }
            }
            close(descriptor)
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    package var url: String { "http://127.0.0.1:\(port)" }
    package var requests: [Request] { state.withLock { $0.requests } }
    package var connections: Int { state.withLock { $0.connections } }

    /// Ends the listener and every connection.
    package func stop() {
        state.withLock { state in
            state.isStopped = true
            for client in state.open { shutdown(client, Int32(SHUT_RDWR)) }
        }
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private func opened(_ client: Int32) -> Int? {
        state.withLock { state in
            guard !state.isStopped else { return nil }
            state.open.insert(client)
            state.connections += 1
            return state.connections
        }
    }

    private func serve(_ client: Int32, _ number: Int) {
        defer {
            state.withLock { state in
                state.open.remove(client)
                close(client)
            }
        }
        var received: [UInt8] = []
        while let request = nextRequest(client, number, &received) {
            state.withLock { $0.requests.append(request) }
            switch script(request) {
            case .answer(let status, let headers, let body):
                let lines = headers.merging(["Content-Length": "\(body.utf8.count)"]) { own, _ in own }
                let head = lines.map { "\($0): \($1)\r\n" }.sorted().joined()
                sendAll(client, Array("HTTP/1.1 \(status) Scripted\r\n\(head)\r\n\(body)".utf8))
            case .cut(let bytes):
                sendAll(client, bytes)
                return
            case .stall:
                while receive(client, &received) {}
            }
        }
        ended.yield()
    }

    /// - Returns: nil when the client ended the connection.
    private func nextRequest(_ client: Int32, _ number: Int, _ received: inout [UInt8]) -> Request? {
        var headEnd = end(ofHead: received)
        while headEnd == nil {
            guard receive(client, &received) else { return nil }
            headEnd = end(ofHead: received)
        }
        guard let headEnd else { return nil }
        let lines = String(decoding: received[..<headEnd], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = String(parts.last?.drop { $0 == " " } ?? "")
        }
        let bodyStart = headEnd + 4
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        while received.count < bodyStart + length {
            guard receive(client, &received) else { return nil }
        }
        let body = Array(received[bodyStart..<(bodyStart + length)])
        received.removeFirst(bodyStart + length)
        return Request(
            method: String(words.first ?? ""), path: words.count > 1 ? String(words[1]) : "", headers: headers,
            body: body, connection: number
        )
    }

    private func end(ofHead bytes: [UInt8]) -> Int? {
        let mark = Array("\r\n\r\n".utf8)
        return bytes.indices.first { bytes[$0...].starts(with: mark) }
    }

    /// - Returns: false at the end of the connection.
    private func receive(_ client: Int32, _ received: inout [UInt8]) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        let count = recv(client, &buffer, buffer.count, 0)
        if count > 0 { received += buffer[..<count] }
        return count > 0
    }

    private func sendAll(_ client: Int32, _ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

/// A listening socket on a free port of 127.0.0.1.
package func listenOnLoopback() -> (descriptor: Int32, port: Int) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let failed = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, length) != 0 || listen(descriptor, 128) != 0
                || getsockname(descriptor, $0, &length) != 0
        }
    }
    precondition(!failed, "no loopback port could be opened: error \(errno)")
    return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
}

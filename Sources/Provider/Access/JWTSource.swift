import Glibc
import HTTP

/// Where the keys of an identity provider come from.
package enum JWTSource: Sendable, CustomStringConvertible {
    case file(String)
    case url(String)

    /// Why a text is no source; names the way out.
    package struct Unusable: Error, CustomStringConvertible {
        package let description: String
    }

    /// A file, or a URL of https or of this machine.
    package init(_ text: String) throws(Unusable) {
        let lower = text.lowercased()
        if lower.hasPrefix("https://") {
            self = .url(text)
        } else if lower.hasPrefix("http://") {
            let authority = Authority(text.dropFirst(7).prefix { $0 != "/" && $0 != "?" })
            guard authority?.isLoopback == true else {
                throw Unusable(
                    description: "keys that come over http could be anybody's: give https://, http:// to a loopback "
                        + "address, or a file")
            }
            self = .url(text)
        } else if text.isEmpty || text.contains("://") {
            throw Unusable(description: "allowed are a file, https://… and http:// to a loopback address")
        } else {
            self = .file(text)
        }
    }

    package var description: String {
        switch self {
        case .file(let path): path
        case .url(let url): url
        }
    }

    /// Reads it.
    ///
    /// - Throws: with the reason.
    func read() async throws(Unusable) -> [UInt8] {
        switch self {
        case .file(let path): return try Self.contents(of: path)
        case .url(let url):
            var configuration = HTTPConfiguration()
            configuration.maxResponseBytes = JWTKeys.bytesLimit
            let response: HTTPResponse
            do {
                let accept = (name: "Accept", value: "application/jwk-set+json, application/json")
                response = try await HTTPClient(configuration).send(
                    HTTPRequest(.get, url, headers: [accept], timeout: .seconds(10)))
            } catch { throw Unusable(description: "\(error)") }
            guard response.status == 200 else { throw Unusable(description: "it answers \(response.status)") }
            return response.body
        }
    }

    private static func contents(of path: String) throws(Unusable) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw Unusable(description: "it cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: JWTKeys.bytesLimit + 1)
        var count = 0
        while count < bytes.count {
            let added = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress! + count, $0.count - count)
            }
            guard added >= 0 else {
                throw Unusable(description: "it cannot be read: \(String(cString: strerror(errno)))")
            }
            if added == 0 { break }
            count += added
        }
        return Array(bytes[..<count])
    }
}

import Glibc
import TestSupport

/// `openssl s_server` with a certificate made for this test, signed by itself.
final class TLSServer: Sendable {
    struct Failed: Error {}

    let directory: String
    let port: Int
    private let server: Spawned

    var certificateFile: String { "\(directory)/certificate.pem" }
    var keyFile: String { "\(directory)/key.pem" }
    var url: String { "https://127.0.0.1:\(port)/" }

    /// - Parameter asksForCertificate: whether only clients that show this same certificate are served.
    init(asksForCertificate: Bool = false) throws {
        var template = Array("/tmp/tls-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failed() }
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let (certificate, key) = ("\(directory)/certificate.pem", "\(directory)/key.pem")
        let made = try Spawned(
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days",
                "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
            ], isQuiet: true)
        guard made.exitCode() == 0 else { throw Failed() }
        let clientChecks = asksForCertificate ? ["-Verify", "1", "-verify_return_error", "-CAfile", certificate] : []
        server = try Spawned(
            ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key, "-www"] + clientChecks,
            isQuiet: true
        )
        var port: Int?
        while port == nil, let line = server.line() {
            if line.hasPrefix("ACCEPT ") { port = line.split(separator: ":").last.flatMap { Int($0) } }
        }
        guard let port else { throw Failed() }
        self.port = port
        self.directory = directory
    }

    deinit {
        server.end()
        for file in [certificateFile, keyFile] { unlink(file) }
        rmdir(directory)
    }
}

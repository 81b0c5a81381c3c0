import FoundationEssentials
import Testing

extension Stage {
    /// A TLS server of OpenSSL on loopback that answers every request with a page, with a certificate signed by itself.
    ///
    /// - Parameter isExpired: whether the certificate has ended.
    /// - Returns: its port, and the file with the certificate.
    func tlsEndpoint(isExpired: Bool = false) async throws -> (port: Int, certificate: String) {
        let (key, request, certificate) = ("\(folder)/key.pem", "\(folder)/request.pem", "\(folder)/certificate.pem")
        let settings = """
            [ca]
            default_ca = authority
            [authority]
            database = \(folder)/index.txt
            new_certs_dir = \(folder)
            rand_serial = yes
            default_md = sha256
            policy = policy
            x509_extensions = extensions
            [policy]
            commonName = supplied
            [extensions]
            subjectAltName = IP:127.0.0.1
            """
        try settings.write(toFile: "\(folder)/ca.cnf", atomically: true, encoding: .utf8)
        try "".write(toFile: "\(folder)/index.txt", atomically: true, encoding: .utf8)
        try await openssl(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=test",
            "-keyout", key, "-out", request)
        try await openssl(
            "ca", "-batch", "-config", "\(folder)/ca.cnf", "-selfsign", "-keyfile", key, "-in", request, "-out",
            certificate, "-notext", "-startdate", "20200101000000Z", "-enddate",
            isExpired ? "20200102000000Z" : "20490101000000Z")
        let server = try start(
            "/usr/bin/openssl", ["s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key, "-www"])
        while true {
            let line = try await server.line()
            guard line.hasPrefix("ACCEPT ") else { continue }
            return (try #require(line.split(separator: ":").last.flatMap { Int($0) }), certificate)
        }
    }

    private func openssl(_ arguments: String...) async throws {
        let child = try start("/usr/bin/openssl", arguments)
        let code = await child.exitCode()
        try #require(code == 0, "\(child.log)")
    }
}

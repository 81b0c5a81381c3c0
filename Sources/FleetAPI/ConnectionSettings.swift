/// How an agent is to connect to an OpAMP server. REST: `PUT agents/{ref}/connection-settings`; it replaces what was
/// desired before, but for a heartbeat interval that it leaves out. Spec: OpAMP, "OpAMPConnectionSettings".
package struct ConnectionSettings: RESTObject, Equatable {
    /// A ws, wss, http or https URL.
    package var destinationEndpoint: String?
    /// Sent with each request, or with the opening of a WebSocket.
    package var headers: [String: String]?
    package var certificate: Strict<Certificate>?
    /// Seconds between heartbeats; 0 turns them off.
    package var heartbeatSeconds: Int?
    package var tls: Strict<TLS>?
    package var proxy: Strict<Proxy>?

    package init() {}

    package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.field("destination_endpoint", &destinationEndpoint)
        try coder.field("headers", &headers)
        try coder.field("certificate", &certificate)
        try coder.field("heartbeat_seconds", &heartbeatSeconds, in: HeartbeatRequest.secondsAllowed)
        try coder.field("tls", &tls)
        try coder.field("proxy", &proxy)
    }

    /// PEM texts. Spec: OpAMP, "TLSCertificate Message".
    package struct Certificate: RESTObject, Equatable {
        package var cert: String?
        package var privateKey: String?
        package var caCert: String?

        package init() {}

        package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
            try coder.field("cert", &cert)
            try coder.field("private_key", &privateKey)
            try coder.field("ca_cert", &caCert)
        }
    }

    /// Spec: OpAMP, "TLSConnectionSettings Message".
    package struct TLS: RESTObject, Equatable {
        package var caPEMContents: String?
        package var includeSystemCACertsPool: Bool?
        package var insecureSkipVerify: Bool?
        /// `1.0` to `1.3`.
        package var minVersion: String?
        package var maxVersion: String?
        package var cipherSuites: [String]?

        package init() {}

        package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
            try coder.field("ca_pem_contents", &caPEMContents)
            try coder.field("include_system_ca_certs_pool", &includeSystemCACertsPool)
            try coder.field("insecure_skip_verify", &insecureSkipVerify)
            try coder.field("min_version", &minVersion)
            try coder.field("max_version", &maxVersion)
            try coder.field("cipher_suites", &cipherSuites)
        }
    }

    /// Spec: OpAMP, "ProxyConnectionSettings Message".
    package struct Proxy: RESTObject, Equatable {
        package var url: String?
        package var connectHeaders: [String: String]?

        package init() {}

        package mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
            try coder.field("url", &url)
            try coder.field("connect_headers", &connectHeaders)
        }
    }
}

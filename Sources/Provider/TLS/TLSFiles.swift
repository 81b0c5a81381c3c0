/// The files, in PEM, that TLS needs.
package struct TLSFiles: Sendable, Equatable {
    /// The certificate that the provider shows, and those between it and an authority.
    package let certificate: String
    /// Its key, which only its owner may open.
    package let key: String
    /// The authorities of agents' certificates; nil: agents are not asked for one.
    package let clientAuthorities: String?

    package init(certificate: String, key: String, clientAuthorities: String? = nil) {
        (self.certificate, self.key, self.clientAuthorities) = (certificate, key, clientAuthorities)
    }

    /// Of all of them; nil for one that is not there.
    var versions: [SmallFile.Version?] {
        ([certificate, key] + (clientAuthorities.map { [$0] } ?? [])).map { SmallFile.Version(of: $0) }
    }
}

/// The cookie that names a session. Spec: RFC 6265bis.
enum SessionCookie {
    static let name = "opamp_session"
    /// Over TLS: browsers take it only over TLS, from this very host, and for all of it.
    static let secureName = "__Host-\(name)"

    /// What its fields say, for a Set-Cookie header. Scripts of a page cannot read it, and no other site can send it.
    ///
    /// - Parameter isSecure: whether the connection is TLS; then it is never sent without.
    static func set(_ value: String, for time: Duration, isSecure: Bool) -> String {
        "\(isSecure ? secureName : name)=\(value); Path=/; Max-Age=\(time.components.seconds); HttpOnly; SameSite=Strict"
            + (isSecure ? "; Secure" : "")
    }

    /// Takes it away.
    static func ended(isSecure: Bool) -> String { set("", for: .zero, isSecure: isSecure) }

    /// Its value in Cookie fields; nil where it is not there, or more than once.
    ///
    /// - Parameter isSecure: whether they came over TLS; then one that could have come without does not count.
    static func value(in fields: [String], isSecure: Bool) -> String? {
        let name = isSecure ? secureName : name
        let values = fields.flatMap { $0.split(separator: ";") }.compactMap { pair -> String? in
            let parts = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return parts.count == 2 && parts[0] == name ? String(parts[1]) : nil
        }
        return values.count == 1 && !values[0].isEmpty ? values[0] : nil
    }
}

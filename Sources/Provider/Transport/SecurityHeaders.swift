import HTTPTypes

/// What every answer of the API tells browsers: to keep nothing of it, to take it for nothing else, and to show it in
/// no other page.
enum SecurityHeaders {
    /// Adds what an answer does not say itself.
    ///
    /// - Parameter isPublic: whether it goes over TLS to a name that is known to be this provider's: then browsers are
    ///   told to come with TLS always. Never to `localhost`, which other programs answer, too.
    static func add(to fields: inout HTTPFields, isPublic: Bool) {
        for field in isPublic ? always + [strict] : always where fields[field.name] == nil {
            fields.append(field)
        }
    }

    // Made once; the names are valid tokens.
    private static let always = [
        HTTPField(name: .cacheControl, value: "no-store"),
        HTTPField(name: .contentSecurityPolicy, value: "default-src 'none'; frame-ancestors 'none'"),
        HTTPField(name: HTTPField.Name("Cross-Origin-Resource-Policy").unsafelyUnwrapped, value: "same-origin"),
        HTTPField(name: HTTPField.Name("Referrer-Policy").unsafelyUnwrapped, value: "no-referrer"),
        HTTPField(name: .xContentTypeOptions, value: "nosniff"),
        HTTPField(name: HTTPField.Name("X-Frame-Options").unsafelyUnwrapped, value: "DENY"),
    ]
    private static let strict = HTTPField(name: .strictTransportSecurity, value: "max-age=31536000")
}

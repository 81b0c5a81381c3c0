/// A whole answer, whatever its status: a redirect is an answer like any other.
package struct HTTPResponse: Sendable {
    package let status: Int
    package let headers: [(name: String, value: String)]
    /// Unpacked.
    package let body: [UInt8]

    /// The first header of that name, in whatever case.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// The media type in lower case without its parameters, as `application/json`; nil when there is none.
    package var contentType: String? {
        header("Content-Type").map { type in
            String(type.prefix { $0 != ";" && $0 != " " }).lowercased()
        }
    }
}

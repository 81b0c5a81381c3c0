/// A request to an `http` or `https` address.
package struct HTTPRequest: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case delete = "DELETE"
    }

    package var method: Method
    /// With its path segments and query values percent-encoded already.
    package var url: String
    package var headers: [(name: String, value: String)]
    /// `Content-Type: application/json` goes with every method but GET, unless `headers` name another type.
    package var body: [UInt8]?
    /// From the call to the last byte of the answer.
    package var timeout: Duration

    package init(
        _ method: Method = .get, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil,
        timeout: Duration = .seconds(30)
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
    }
}

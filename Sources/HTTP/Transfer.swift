import CCurl

/// One request on its way: libcurl's handle, and what has arrived so far. Belongs to the loop's thread.
final class Transfer {
    /// The most bytes in the headers of an answer.
    static let headerLimit = 256 << 10

    let easy: UnsafeMutableRawPointer
    private let job: Job
    var ticket: Ticket { job.ticket }
    private let origin: Origin
    private let start = ContinuousClock.now
    private let errorText: UnsafeMutablePointer<CChar>
    private var headerLines: UnsafeMutablePointer<curl_slist>?
    private var headers: [(name: String, value: String)] = []
    private var headerBytes = 0
    private var isHeadComplete = false
    private var body: [UInt8] = []
    private var exceededLimit: Int?

    /// - Precondition: libcurl is loaded.
    init(_ job: Job) throws(HTTPError) {
        let origin = try Origin(job.request.url)
        let holdsToken =
            job.configuration.bearerToken != nil
            || job.request.headers.contains { $0.name.lowercased() == "authorization" }
        if holdsToken, !origin.isSecure, !origin.isLoopback {
            throw .insecureToken(host: origin.name)
        }
        let lines = try Transfer.headerLines(of: job)
        guard let easy = ccurl_easy_init() else { throw .other(host: origin.name, reason: "out of memory") }
        self.job = job
        self.origin = origin
        self.easy = easy
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        for line in lines { headerLines = ccurl_slist_append(headerLines, line) ?? headerLines }
        prepare()
    }

    deinit {
        ccurl_easy_cleanup(easy)
        ccurl_slist_free(headerLines)
        errorText.deallocate()
    }

    /// Tells the caller how it ended.
    func finish(_ code: CURLcode) {
        guard code == CURLE_OK else { return fail(error(code)) }
        // libcurl is content with headers that break off.
        guard isHeadComplete else { return fail(.interrupted(host: origin.name)) }
        let status = Int(ccurl_get_long(easy, CURLINFO_RESPONSE_CODE))
        job.answer(.success(HTTPResponse(status: status, headers: headers, body: body)))
    }

    func fail(_ error: HTTPError) {
        job.answer(.failure(error))
    }

    private func prepare() {
        let (request, configuration) = (job.request, job.configuration)
        ccurl_set_string(easy, CURLOPT_URL, request.url)
        ccurl_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        ccurl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0)
        ccurl_set_long(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        ccurl_set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        ccurl_set_string(easy, CURLOPT_ACCEPT_ENCODING, "gzip")
        ccurl_set_long(easy, CURLOPT_TIMEOUT_MS, milliseconds(request.timeout))
        ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(configuration.connectTimeout))
        // What is meant for this machine never goes through a proxy that the environment names.
        if origin.isLoopback { ccurl_set_string(easy, CURLOPT_PROXY, "") }
        if let file = configuration.caFile { ccurl_set_string(easy, CURLOPT_CAINFO, file) }
        if let file = configuration.clientCertificateFile { ccurl_set_string(easy, CURLOPT_SSLCERT, file) }
        if let file = configuration.clientKeyFile { ccurl_set_string(easy, CURLOPT_SSLKEY, file) }
        if request.method != .get {
            let body = request.body ?? []
            ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
            body.withUnsafeBytes { bytes in
                _ = ccurl_set_string(
                    easy, CURLOPT_COPYPOSTFIELDS,
                    bytes.baseAddress?.assumingMemoryBound(to: CChar.self) ?? UnsafePointer(errorText)
                )
            }
            ccurl_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        }
        ccurl_set_headers(easy, headerLines)
        let me = Unmanaged.passUnretained(self).toOpaque()
        ccurl_set_pointer(easy, CURLOPT_PRIVATE, me)
        ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
        ccurl_set_pointer(easy, CURLOPT_WRITEDATA, me)
        ccurl_set_callback(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, me in
            Transfer.from(me)?.receive(body: UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
        }
        ccurl_set_pointer(easy, CURLOPT_HEADERDATA, me)
        ccurl_set_callback(easy, CURLOPT_HEADERFUNCTION) { bytes, size, count, me in
            Transfer.from(me)?.receive(header: UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
        }
    }

    /// The transfer that libcurl was given as a plain pointer.
    static func from(_ pointer: UnsafeMutableRawPointer?) -> Transfer? {
        pointer.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
    }

    /// - Returns: how many bytes were taken; anything but all of them ends the transfer.
    private func receive(body bytes: UnsafeRawBufferPointer) -> Int {
        guard body.count + bytes.count <= job.configuration.maxResponseBytes else {
            exceededLimit = job.configuration.maxResponseBytes
            return 0
        }
        body += bytes
        return bytes.count
    }

    private func receive(header bytes: UnsafeRawBufferPointer) -> Int {
        headerBytes += bytes.count
        guard headerBytes <= Transfer.headerLimit else {
            exceededLimit = Transfer.headerLimit
            return 0
        }
        let line = String(decoding: bytes, as: UTF8.self)
        if line.hasPrefix("HTTP/") {
            // What came before belonged to an interim answer.
            headers = []
            isHeadComplete = false
        } else if line == "\r\n" || line == "\n" {
            isHeadComplete = true
        } else if let colon = line.firstIndex(of: ":") {
            headers.append((String(line[..<colon]), trimmed(line[line.index(after: colon)...])))
        }
        return bytes.count
    }

    private func error(_ code: CURLcode) -> HTTPError {
        let host = origin.name
        let told = String(cString: errorText)
        let reason = told.isEmpty ? String(cString: ccurl_error_text(code)) : told
        if let exceededLimit { return .tooLarge(host: host, limit: exceededLimit) }
        switch code {
        case CURLE_COULDNT_CONNECT: return .refused(host: host)
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: return .unresolved(host: host)
        case CURLE_OPERATION_TIMEDOUT:
            // Two limits apply, and libcurl does not say which one it was: the one nearer to the time that has passed.
            let (whole, connecting) = (job.request.timeout, job.configuration.connectTimeout)
            let passed = ContinuousClock.now - start
            let limit = connecting < whole && passed * 2 < whole + connecting ? connecting : whole
            return .timedOut(host: host, after: limit)
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT:
            return .tls(host: host, reason: reason)
        case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR:
            // A certificate that the server asks for is missed only when the first bytes are read.
            let isRefusal = reason.split(separator: " " as Character).contains("alert")
            return isRefusal ? .tls(host: host, reason: reason) : .interrupted(host: host)
        default: return .other(host: host, reason: reason)
        }
    }

    private static func headerLines(of job: Job) throws(HTTPError) -> [String] {
        var headers = job.request.headers
        if let token = job.configuration.bearerToken { headers.append(("Authorization", "Bearer \(token)")) }
        if let agent = job.configuration.userAgent { headers.append(("User-Agent", agent)) }
        let names = headers.map { $0.name.lowercased() }
        if job.request.method != .get, !names.contains("content-type") {
            headers.append(("Content-Type", "application/json"))
        }
        for (name, value) in headers {
            let isName = !name.isEmpty && name.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: ":") }
            let isValue = !value.isEmpty && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
            guard isName, isValue else { throw .badHeader(name: isName ? name : "of an invalid name") }
        }
        // Without the last one libcurl waits for a "100 Continue" before it sends a larger body.
        return headers.map { "\($0.name): \($0.value)" } + ["Expect:"]
    }
}

private func trimmed(_ text: Substring) -> String {
    let isSpace: (Character) -> Bool = { $0.isWhitespace }
    let rest = text.drop(while: isSpace)
    guard let last = rest.lastIndex(where: { !isSpace($0) }) else { return "" }
    return String(rest[...last])
}

/// At least one, since libcurl takes zero for "no limit".
private func milliseconds(_ duration: Duration) -> Int {
    let limit = min(max(duration, .milliseconds(1)), .seconds(24 * 3600))
    return Int(limit.components.seconds) * 1000 + Int(limit.components.attoseconds / 1_000_000_000_000_000)
}

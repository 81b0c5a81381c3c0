import CJansson

extension JSON {
    /// How deeply arrays and objects may be nested in what is parsed.
    package static let depthLimit = 64

    /// Parses one JSON value of any kind.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8.
    ///   - limit: the most bytes accepted.
    /// - Throws: for anything but exactly one value; duplicate keys and nesting over `depthLimit` are refused.
    package init(parsing bytes: [UInt8], limit: Int = 64 << 20) throws(JSONError) {
        guard bytes.count <= limit else { throw .tooLong(limit: limit) }
        guard JSON.depth(of: bytes) <= JSON.depthLimit else { throw .tooDeep(limit: JSON.depthLimit) }
        var error = json_error_t()
        let parsed = bytes.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) {
                json_loadb($0.baseAddress, $0.count, cjansson_parse_flags(), &error)
            }
        }
        guard let parsed else {
            let reason = withUnsafeBytes(of: error.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            throw .invalid(reason: reason, position: Int(error.position))
        }
        defer { cjansson_decref(parsed) }
        self.init(borrowing: parsed)
    }

    /// Parses the UTF-8 of a string.
    package init(parsing text: String, limit: Int = 64 << 20) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), limit: limit)
    }

    private init(borrowing value: UnsafeMutablePointer<json_t>) {
        switch cjansson_typeof(value) {
        case JSON_OBJECT:
            var members: [(key: String, value: JSON)] = []
            members.reserveCapacity(json_object_size(value))
            var iterator = json_object_iter(value)
            while let current = iterator {
                let key = UnsafeRawBufferPointer(
                    start: json_object_iter_key(current), count: json_object_iter_key_len(current)
                )
                members.append((String(decoding: key, as: UTF8.self), JSON(borrowing: json_object_iter_value(current))))
                iterator = json_object_iter_next(value, current)
            }
            self = .object(Object(members))
        case JSON_ARRAY:
            self = .array((0..<json_array_size(value)).map { JSON(borrowing: json_array_get(value, $0)) })
        case JSON_STRING:
            let bytes = UnsafeRawBufferPointer(start: json_string_value(value), count: json_string_length(value))
            self = .string(String(decoding: bytes, as: UTF8.self))
        case JSON_INTEGER: self = .integer(Int(json_integer_value(value)))
        case JSON_REAL: self = .number(json_real_value(value))
        case JSON_TRUE: self = .bool(true)
        case JSON_FALSE: self = .bool(false)
        default: self = .null
        }
    }

    /// The deepest nesting of brackets outside strings. Reads bytes only, so that no nesting can exhaust the stack.
    private static func depth(of bytes: [UInt8]) -> Int {
        var (depth, deepest) = (0, 0)
        var (inString, escaped) = (false, false)
        for byte in bytes {
            if inString {
                if escaped {
                    escaped = false
                } else if byte == UInt8(ascii: "\\") {
                    escaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): inString = true
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
        }
        return deepest
    }
}

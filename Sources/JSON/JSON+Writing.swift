import CJansson

extension JSON {
    /// How a value is laid out as text.
    package enum Style: Sendable {
        /// One line, members sorted by key: the same value always gives the same bytes.
        case sorted
        /// One line, members in their own order.
        case ordered
        /// Two spaces a level, members in their own order, for files that people read.
        case pretty

        fileprivate var flags: Int {
            switch self {
            case .sorted: cjansson_sorted_flags()
            case .ordered: cjansson_ordered_flags()
            case .pretty: cjansson_pretty_flags()
            }
        }
    }

    /// The value as UTF-8, without a final newline.
    ///
    /// - Parameter limit: the most bytes written; more is an error, never a cut text.
    package func bytes(_ style: Style = .sorted, limit: Int = 64 << 20) throws(JSONError) -> [UInt8] {
        guard let tree = tree() else { throw .notWritable }
        defer { cjansson_decref(tree) }
        var output = Output(limit: limit)
        let failed = withUnsafeMutablePointer(to: &output) { output in
            json_dump_callback(tree, Output.append, output, style.flags) != 0
        }
        if failed { throw .tooLong(limit: limit) }
        return output.bytes
    }

    /// The value as one line with sorted keys, for tests and messages.
    ///
    /// - Precondition: no number in it is infinite or NaN; parsed values never are.
    package var text: String {
        guard let bytes = try? bytes() else { preconditionFailure("a JSON value that cannot be written") }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The same value as a jansson tree that the caller owns; nil when a number cannot be expressed.
    private func tree() -> UnsafeMutablePointer<json_t>? {
        switch self {
        case .null: return json_null()
        case .bool(let flag): return flag ? json_true() : json_false()
        case .integer(let number): return json_integer(json_int_t(number))
        case .number(let number): return json_real(number)
        case .string(let text):
            return text.withCString { json_stringn_nocheck($0, text.utf8.count) }
        case .array(let elements):
            let array = json_array()
            for element in elements {
                guard let child = element.tree() else { return release(array) }
                json_array_append_new(array, child)
            }
            return array
        case .object(let object):
            let tree = json_object()
            for (key, value) in object.members {
                guard let child = value.tree() else { return release(tree) }
                _ = key.withCString { json_object_setn_new_nocheck(tree, $0, key.utf8.count, child) }
            }
            return tree
        }
    }

    private func release(_ tree: UnsafeMutablePointer<json_t>?) -> UnsafeMutablePointer<json_t>? {
        if let tree { cjansson_decref(tree) }
        return nil
    }

    /// Collects what jansson writes, up to a limit.
    private struct Output {
        var bytes: [UInt8] = []
        let limit: Int

        static let append: json_dump_callback_t = { text, count, output in
            guard let text, let output = output?.assumingMemoryBound(to: Output.self) else { return -1 }
            guard output.pointee.bytes.count + count <= output.pointee.limit else { return -1 }
            output.pointee.bytes.append(contentsOf: UnsafeRawBufferPointer(start: text, count: count))
            return 0
        }
    }
}

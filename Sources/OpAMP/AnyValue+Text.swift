extension AnyValue {
    /// The value as one short text: numbers and flags as they are written, arrays and lists in brackets, bytes in hex.
    package var text: String {
        switch value {
        case .stringValue(let text): text
        case .boolValue(let flag): flag ? "true" : "false"
        case .intValue(let number): String(number)
        case .doubleValue(let number): "\(number)"
        case .arrayValue(let array): "[" + array.values.map(\.text).joined(separator: ", ") + "]"
        case .kvlistValue(let list):
            "{" + list.values.map { "\($0.key): \($0.value.text)" }.joined(separator: ", ") + "}"
        case .bytesValue(let bytes):
            bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        case nil: ""
        }
    }
}

extension KeyValue {
    package init(_ key: String, _ text: String) {
        self.init()
        self.key = key
        value.stringValue = text
    }
}

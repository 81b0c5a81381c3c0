/// A JSON value: read, built and compared as an ordinary Swift value.
///
/// Integers are exact over the whole range of `Int`; a larger one is refused when parsing, never rounded.
/// Spec: RFC 8259.
package enum JSON: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSON])
    case object(Object)

    /// The members of an object, in the order they were written or added.
    ///
    /// Look-ups walk the members: objects here have tens of members, not thousands.
    package struct Object: Sendable {
        package private(set) var members: [(key: String, value: JSON)]

        /// - Parameter members: keys must differ; a later duplicate is never found.
        package init(_ members: [(key: String, value: JSON)] = []) {
            self.members = members
        }

        /// Reads a member, replaces it in place, appends it, or (with nil) removes it.
        package subscript(key: String) -> JSON? {
            get { members.first { $0.key == key }?.value }
            set {
                let index = members.firstIndex { $0.key == key }
                switch (index, newValue) {
                case (let index?, let value?): members[index].value = value
                case (let index?, nil): members.remove(at: index)
                case (nil, let value?): members.append((key, value))
                case (nil, nil): break
                }
            }
        }

        /// Adds a member without looking whether one of that name is there.
        package mutating func append(_ key: String, _ value: JSON) {
            members.append((key, value))
        }
    }
}

extension JSON.Object: Equatable {
    /// Two objects are equal when they hold the same members, in whatever order.
    package static func == (left: Self, right: Self) -> Bool {
        left.members.count == right.members.count && left.members.allSatisfy { right[$0.key] == $0.value }
    }
}

extension JSON {
    /// The member of that name; nil for an absent member and for anything but an object.
    package subscript(key: String) -> JSON? {
        object?[key]
    }

    package var object: Object? {
        if case .object(let object) = self { object } else { nil }
    }

    package var array: [JSON]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    package var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The integer; nil for a number written with a fraction or an exponent.
    package var integer: Int? {
        if case .integer(let number) = self { number } else { nil }
    }

    /// The number, whole or not.
    package var double: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .number(let number): number
        default: nil
        }
    }

    package var bool: Bool? {
        if case .bool(let flag) = self { flag } else { nil }
    }

    /// What kind of value this is, as an error message names it.
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    package init(nilLiteral: ()) { self = .null }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int) { self = .integer(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(stringLiteral value: String) { self = .string(value) }
    package init(arrayLiteral elements: JSON...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(Object(elements.map { (key: $0.0, value: $0.1) }))
    }
}

package import JSON

/// A value that travels in the REST API as JSON.
package protocol RESTValue: Sendable {
    /// - Throws: when the JSON is of another shape; the error names the place once it reaches a field.
    init(json: JSON) throws(ShapeError)
    var json: JSON { get }
    /// What JSON is read and written; anything unless a type says more.
    static func schema(_ schemas: Schemas) -> JSON
}

extension RESTValue {
    package static func schema(_ schemas: Schemas) -> JSON { [:] }
}

/// A JSON object of the REST API: its members are declared once, in `fields`, for reading and for writing.
package protocol RESTObject: RESTValue {
    init()

    /// Visits every member by name: a reading coder fills it in, a writing coder takes it.
    mutating func fields(_ coder: inout FieldCoder) throws(ShapeError)
}

extension RESTObject {
    package init(json: JSON) throws(ShapeError) {
        guard let object = json.object else { throw ShapeError(expected: "an object", found: json) }
        self.init()
        var coder = FieldCoder(reading: object)
        try fields(&coder)
    }

    package var json: JSON { written(only: nil) }

    /// This object with the members of another taken over; those absent or null there stay as they are.
    package func changed(by json: JSON) throws(ShapeError) -> Self {
        guard let object = json.object else { throw ShapeError(expected: "an object", found: json) }
        var (coder, copy) = (FieldCoder(reading: object), self)
        try copy.fields(&coder)
        return copy
    }

    /// The object as JSON, with only the named members where `only` is given.
    package func written(only names: Set<String>?) -> JSON {
        var (coder, copy) = (FieldCoder(writing: names), self)
        // A writing coder refuses nothing.
        try? copy.fields(&coder)
        return .object(coder.object)
    }

    package static func schema(_ schemas: Schemas) -> JSON { schemas.object(Self.self, isStrict: false) }

    /// The names of all members, in the order of their declaration.
    package static var fieldNames: [String] {
        var (coder, empty) = (FieldCoder(listing: ()), Self())
        try? empty.fields(&coder)
        return coder.names
    }
}

/// Carries values between the members of a `RESTObject` and JSON, in the direction it was made for.
package struct FieldCoder {
    private enum Mode {
        case reading
        case writing(only: Set<String>?)
        case listing
        case describing(Schemas)
    }

    private let mode: Mode
    /// What is read, or what was written; the schemas of the members when describing.
    private(set) var object: JSON.Object
    /// The members when listing, those that must be there when describing.
    private(set) var names: [String] = []

    fileprivate init(reading object: JSON.Object) {
        (mode, self.object) = (.reading, object)
    }

    fileprivate init(writing names: Set<String>?) {
        (mode, object) = (.writing(only: names), JSON.Object())
    }

    fileprivate init(listing: Void) {
        (mode, object) = (.listing, JSON.Object())
    }

    init(describing schemas: Schemas) {
        (mode, object) = (.describing(schemas), JSON.Object())
    }

    /// A member that must be there; null only where its type takes it.
    ///
    /// - Parameter bounds: what a number may be.
    package mutating func required<Value: RESTValue>(
        _ name: String, _ value: inout Value, in bounds: ClosedRange<Int>? = nil
    ) throws(ShapeError) {
        switch mode {
        case .reading:
            guard let found = object[name] else { throw ShapeError(path: name, message: "is missing") }
            if found == .null {
                do { value = try Value(json: found) } catch { throw error.inside(name) }
            }
        case .describing(let schemas):
            names.append(name)
            object.append(name, schemas.required(Value.self, bounds: bounds))
            return
        case .writing, .listing: break
        }
        try field(name, &value, in: bounds)
    }

    /// A member that keeps its default where it is absent or null.
    package mutating func field<Value: RESTValue>(
        _ name: String, _ value: inout Value, in bounds: ClosedRange<Int>? = nil
    ) throws(ShapeError) {
        var optional: Value? = value
        try field(name, &optional, in: bounds)
        if let found = optional { value = found }
    }

    /// A member that may be absent; nil is never written.
    package mutating func field<Value: RESTValue>(
        _ name: String, _ value: inout Value?, in bounds: ClosedRange<Int>? = nil
    ) throws(ShapeError) {
        switch mode {
        case .reading:
            guard let found = object[name], found != .null else { return }
            do { value = try Value(json: found) } catch { throw error.inside(name) }
            if let bounds, let number = found.integer, !bounds.contains(number) {
                throw ShapeError(path: name, value: found.text, allowed: bounds)
            }
        case .writing(let only):
            guard only?.contains(name) ?? true, let value else { return }
            object.append(name, value.json)
        case .listing:
            names.append(name)
        case .describing(let schemas):
            object.append(name, schemas.optional(Value.self, bounds: bounds, default: value?.json))
        }
    }
}

/// An answer or a request that has not the agreed shape.
package struct ShapeError: Error, Equatable, CustomStringConvertible {
    /// Where, as member names joined by dots; empty for the whole.
    package let path: String
    package let message: String
    /// The number that is out of its bounds, and those.
    package let value: String?
    package let allowed: ClosedRange<Int>?

    package init(path: String = "", message: String, value: String? = nil, allowed: ClosedRange<Int>? = nil) {
        (self.path, self.message, self.value, self.allowed) = (path, message, value, allowed)
    }

    init(path: String, value: String, allowed: ClosedRange<Int>) {
        self.init(
            path: path, message: "must be \(allowed.lowerBound) to \(allowed.upperBound)", value: value,
            allowed: allowed)
    }

    package init(expected: String, found: JSON) {
        self.init(message: "is \(found.kind), not \(expected)")
    }

    func inside(_ name: String) -> ShapeError {
        ShapeError(path: path.isEmpty ? name : "\(name).\(path)", message: message, value: value, allowed: allowed)
    }

    package var description: String { path.isEmpty ? "the value \(message)" : "\(path) \(message)" }
}

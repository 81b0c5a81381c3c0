/// What few agents have: one word on the record of each agent, and the value elsewhere.
final class Boxed<Value: Sendable & Equatable>: Sendable, Equatable {
    let value: Value

    init(_ value: Value) {
        self.value = value
    }

    static func == (left: Boxed, right: Boxed) -> Bool { left === right || left.value == right.value }
}

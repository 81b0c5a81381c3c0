/// A wrong flag or setting: names it, its value, and what is allowed. The program ends with `exitCode` then.
package struct UsageError: Error, Equatable, CustomStringConvertible {
    /// Spec: sysexits.h, `EX_USAGE`.
    package static let exitCode: Int32 = 64

    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

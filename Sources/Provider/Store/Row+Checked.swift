import GRDB
import OpAMP

/// A column that holds something else than it should.
struct UnreadableColumn: Error, CustomStringConvertible {
    let description: String

    init(_ name: String) {
        description = "column \(name) cannot be read"
    }
}

// Reading rows of a file that anything may have happened to: nothing in it ends the process.
extension Row {
    func value<Value: DatabaseValueConvertible>(_ column: String) throws(UnreadableColumn) -> Value {
        guard let value = Value.fromDatabaseValue(self[column]) else { throw UnreadableColumn(column) }
        return value
    }

    func uid(_ column: String) throws(UnreadableColumn) -> InstanceUID {
        guard let uid = InstanceUID(try value(column) as String) else { throw UnreadableColumn(column) }
        return uid
    }

    /// Reads this row; what goes wrong is told with the table and the value of the column that names the row.
    func read<Value>(_ table: String, _ key: String, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as DatabaseError { throw error } catch {
            let name = (String.fromDatabaseValue(self[key]) ?? "?").prefixUTF8(200)
            throw StoreError(.damaged, "table \(table), row \(key) \(name): \(error)")
        }
    }
}

import GRDB
import OpAMP

extension Store {
    /// What people were last told of agents; those that are well are left out, as is what cannot be read.
    func toldConditions() -> [InstanceUID: Condition] {
        let rows = try? database.read { try Row.fetchAll($0, sql: "SELECT uid, condition FROM notices") }
        var told: [InstanceUID: Condition] = [:]
        for row in rows ?? [] {
            guard let uid = InstanceUID(row["uid"] as String) else { continue }
            told[uid] = Condition(rawValue: row["condition"])
        }
        return told
    }
}

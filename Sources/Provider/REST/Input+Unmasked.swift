import FleetAPI
import JSON

extension Input where Value == Bool {
    /// Whether secrets are to be shown: to admins, and on record.
    static var unmasked: Input {
        let schema: JSON = ["type": "boolean", "default": false]
        return Input("unmasked", "shows secrets, to admins alone; that is in the audit", schema: schema) {
            query throws(Problem) in
            try query.flag("unmasked")
        }
    }
}

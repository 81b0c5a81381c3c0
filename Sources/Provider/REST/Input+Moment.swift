import FleetAPI
import JSON

extension Input where Value == Timestamp? {
    /// A moment of the query, as a time or as an age: `2026-11-23T10:00:00Z`, `30s`, `5m`, `2h`, `7d`; nil when absent.
    static func moment(_ name: String, _ summary: String) -> Input {
        let schema: JSON = [
            "anyOf": [
                ["type": "string", "pattern": "^[0-9]{1,4}[smhd]$"], ["type": "string", "format": "date-time"],
            ]
        ]
        return Input(name, summary + ": a time, or an age such as 5m", schema: schema) { query throws(Problem) in
            try query.moment(name, at: Moment.now().wall)
        }
    }
}

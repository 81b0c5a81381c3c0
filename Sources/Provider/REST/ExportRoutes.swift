import FleetAPI
import HTTPTypes
import HummingbirdCore
import JSON

extension Route {
    private static let csvType = "text/csv; charset=utf-8"

    /// The whole inventory as a file.
    static let exports = [
        Route(
            .get, "/api/v1/agents.csv", "The inventory for spreadsheets: every agent that matches.", .filter,
            .list("fields", "only these columns, in this order", of: Agent.fieldNames),
            answers: [.text(csvType, .contentDisposition)]
        ) { call, filter, fields in
            let columns = fields ?? Agent.fieldNames
            if let twice = columns.first(where: { column in columns.count { $0 == column } > 1 }) {
                throw Problem.badRequest(
                    field: "fields", value: twice, "the column \(twice) is given more than once")
            }
            return Answer(
                fields: [
                    .contentType: csvType, .contentDisposition: "attachment; filename=\"agents.csv\"",
                    .cacheControl: "no-store",
                ], body: try call.fleet.export(filter, fields: columns))
        }
    ]
}

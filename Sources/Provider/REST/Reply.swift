import FleetAPI
import HTTPTypes
import JSON

/// One answer that a route may give: its status, what its body is, and the headers that it always has.
struct Reply: Sendable {
    let status: HTTPResponse.Status
    /// nil: no body.
    let contentType: String?
    let schema: @Sendable (Schemas) -> JSON
    let headers: [HTTPField.Name]

    static func ok(_ type: (some RESTValue).Type, _ headers: HTTPField.Name...) -> Reply {
        Reply(status: .ok, contentType: "application/json", schema: { type.schema($0) }, headers: headers)
    }

    static func created(_ type: (some RESTValue).Type, _ headers: HTTPField.Name...) -> Reply {
        Reply(status: .created, contentType: "application/json", schema: { type.schema($0) }, headers: headers)
    }

    static func accepted(_ type: (some RESTValue).Type, _ headers: HTTPField.Name...) -> Reply {
        Reply(status: .accepted, contentType: "application/json", schema: { type.schema($0) }, headers: headers)
    }

    static func noContent(_ headers: HTTPField.Name...) -> Reply {
        Reply(status: .noContent, contentType: nil, schema: { _ in [:] }, headers: headers)
    }

    /// A 200 of something else than JSON, for example `text/csv`.
    static func text(_ contentType: String, _ headers: HTTPField.Name...) -> Reply {
        Reply(status: .ok, contentType: contentType, schema: { _ in ["type": "string"] }, headers: headers)
    }
}

import FleetAPI
import HTTP
import JSON

/// Turns an answer into the value that was asked for, or into the reason why there is none.
struct AnswerReader {
    let base: String
    let hasToken: Bool

    func read<Answer: RESTObject>(_ response: HTTPResponse) throws(FleetError) -> Answer {
        guard (200..<300).contains(response.status) else { throw refusal(response) }
        guard let type = response.contentType, type == "application/json" else { throw notAProvider(response) }
        do {
            return try Answer(json: try JSON(parsing: withoutNUL(response.body)))
        } catch {
            throw notAProvider(response, because: "\(error)")
        }
    }

    private func refusal(_ response: HTTPResponse) -> FleetError {
        let problem = (try? JSON(parsing: response.body)).flatMap { try? Problem(json: $0) }
        switch response.status {
        case 401:
            let what = hasToken ? "refuses the token" : "wants a token"
            return FleetError(
                .notAllowed, "\(base) \(what) (401); set OPAMP_SERVER_TOKEN or --token-file to one of its tokens")
        case 403:
            let why = problem.map { $0.detail.isEmpty ? $0.title : $0.detail } ?? "forbidden"
            return FleetError(
                .notAllowed,
                "\(base) does not allow this (403): \(why); set OPAMP_SERVER_TOKEN or --token-file to a token that may"
            )
        default:
            guard let problem else { return notAProvider(response) }
            return FleetError(problem)
        }
    }

    private func notAProvider(_ response: HTTPResponse, because reason: String? = nil) -> FleetError {
        let what = response.body.isEmpty ? "nothing" : response.contentType ?? "something without a type"
        let why = reason.map { " (\($0))" } ?? ""
        return FleetError(
            .notAProvider,
            "\(base) answered \(response.status) with \(what)\(why), which does not look like an opamp-provider; "
                + "set OPAMP_SERVER_URL or --provider to its address"
        )
    }
}

/// JSON with the escape of NUL in its texts replaced, since one agent's text must not make a whole answer unreadable.
func withoutNUL(_ json: [UInt8]) -> [UInt8] {
    guard json.contains(UInt8(ascii: "\\")) else { return json }
    let (escape, instead) = (Array("u0000".utf8), Array("ufffd".utf8))
    var (json, index) = (json, 0)
    while index < json.count - escape.count {
        guard json[index] == UInt8(ascii: "\\") else {
            index += 1
            continue
        }
        if json[(index + 1)...].starts(with: escape) {
            json.replaceSubrange((index + 1)..<(index + 1 + instead.count), with: instead)
        }
        // What is escaped is no escape itself.
        index += 2
    }
    return json
}

package import FleetAPI
import HTTP

/// Why the provider did not do what it was asked. The text stands alone and names the way out; where it repeats what
/// the provider wrote, that may hold text of agents.
package struct FleetError: Error, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// Nothing arrived there.
        case unreachable
        /// There is no whole answer; a request may have been carried out.
        case noAnswer
        /// The token is missing, wrong, or not enough.
        case notAllowed
        /// Something answers there, but it does not speak the REST API.
        case notAProvider
        /// The provider says no, and why.
        case problem(Problem)
    }

    package let kind: Kind
    package let description: String

    package init(_ kind: Kind, _ description: String) {
        (self.kind, self.description) = (kind, description)
    }

    /// Whether a request that changes something may have been carried out although it failed.
    package var mayHaveHappened: Bool {
        switch kind {
        case .noAnswer, .notAProvider: true
        case .problem(let problem): problem.status >= 500 && problem.status != 503
        case .unreachable, .notAllowed: false
        }
    }

    /// Whether the provider knows nothing of that name.
    package var isNotFound: Bool {
        if case .problem(let problem) = kind { problem.status == 404 } else { false }
    }

    /// The open command that stands in the way of another of its kind; nil for other failures.
    package var openCommandID: String? {
        if case .problem(let problem) = kind { problem.commandID } else { nil }
    }

    package init(_ problem: Problem) {
        var text = problem.detail.isEmpty ? problem.title : problem.detail
        // A detail that lists what is allowed need not do so twice.
        if let allowed = problem.allowed, !allowed.isEmpty, !problem.detail.hasSuffix(allowed[allowed.count - 1]) {
            text += "; allowed: " + allowed.joined(separator: ", ")
        }
        self.init(.problem(problem), text)
    }

    init(_ error: HTTPError) {
        let wayOut = "set OPAMP_SERVER_URL or --provider to its address"
        switch error {
        case .refused(let host):
            self.init(.unreachable, "cannot connect to \(host): is opamp-provider running? \(wayOut)")
        case .unresolved(let host):
            self.init(.unreachable, "no address is known for \(host); \(wayOut)")
        case .timedOut(let host, let time):
            self.init(
                .noAnswer,
                "no answer from \(host) within \(time); try again, or allow more with "
                    + "--timeout")
        case .interrupted(let host):
            self.init(
                .noAnswer,
                "\(host) closed the connection before its answer was complete; try again, and check that "
                    + "it is an opamp-provider")
        case .badURL, .tls, .insecureToken, .badHeader, .libraryMissing:
            self.init(.unreachable, "\(error)")
        case .tooLarge, .cancelled, .other:
            self.init(.noAnswer, "\(error)")
        }
    }
}

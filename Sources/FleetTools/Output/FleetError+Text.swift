import FleetAPI
import FleetClient

extension FleetError {
    /// The reason and the way out, for the model: candidates named.
    var text: String {
        var text = clean(description, limit: 500)
        guard case .problem(let problem) = kind else { return text }
        if let candidates = problem.candidates, !candidates.isEmpty {
            let shown = candidates.prefix(4).map(\.label).joined(separator: ", ")
            let more = candidates.count > 4 ? " … \(candidates.count - 4) more" : ""
            text += problem.status == 404 ? "; nearest: \(shown)\(more)" : "; use one id of: \(shown)\(more)"
        }
        return text
    }
}

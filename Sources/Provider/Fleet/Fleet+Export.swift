import FleetAPI
import HummingbirdCore
import JSON
import NIOCore

// The inventory for spreadsheets.
extension Fleet {
    /// How many exports may run at one time: each keeps the fleet as it was when it began.
    static let exportLimit = 8
    /// How many agents are written at one time.
    private static let exportChunk = 500

    /// The agents that match, a line each after one of names, written bit by bit as they are read.
    ///
    /// - Parameter fields: names of members of `Agent`, in the order of the columns.
    /// - Throws: 503 when as many exports run as may.
    func export(_ filter: Filter, fields: [String]) throws(Problem) -> ResponseBody {
        guard let slot = exports.take() else {
            throw Problem(
                503, "Too many exports",
                detail: "\(Self.exportLimit) exports are under way; try again when one has ended")
        }
        let snapshot = snapshot
        let (only, now) = (Set(fields), snapshot.now.wall)
        return ResponseBody { [self] writer in
            try await writer.write(ByteBuffer(string: CSV.line(fields)))
            for start in stride(from: 0, to: snapshot.records.count, by: Self.exportChunk) {
                try Task.checkCancellation()
                let views = (start..<min(start + Self.exportChunk, snapshot.records.count)).lazy
                    .map { snapshot.view($0) }.filter { filter.matches($0, now: now) }
                var text = ""
                for agent in shown(Array(views)) {
                    let object = agent.written(only: only)
                    text += CSV.line(fields.lazy.map { CSV.text(object[$0]) })
                }
                if !text.isEmpty { try await writer.write(ByteBuffer(string: text)) }
            }
            try await writer.finish(nil)
            withExtendedLifetime(slot) {}
        }
    }
}

import Synchronization

/// Requests to the API by route, method and class of status, and how long their answers took.
final class RequestMetrics: Sendable {
    /// What one series is counted by. All of it is the provider's own: a template, never a path that was asked for.
    struct Key: Sendable, Hashable, Comparable {
        /// Of the route, for example `/api/v1/agents/{ref}`; `none` where there is no route.
        let route: String
        let method: String

        static func < (left: Self, right: Self) -> Bool { (left.route, left.method) < (right.route, right.method) }
    }

    struct Series: Sendable, Equatable {
        /// Answers by the first digit of their status, 1 to 5.
        var byClass = [Int](repeating: 0, count: 6)
        var durations = Histogram()
    }

    private let series = Mutex<[Key: Series]>([:])

    var all: [(key: Key, value: Series)] { series.withLock { $0.sorted { $0.key < $1.key } } }

    /// - Parameters:
    ///   - route: the template of its path; nil where there is nothing at the path.
    ///   - method: as it was sent.
    func answered(route: String?, method: String, status: Int, after duration: Duration) {
        let isKnown = ["GET", "HEAD", "POST", "PUT", "DELETE"].contains(method)
        let key = Key(route: route ?? "none", method: isKnown ? method : "other")
        series.withLock { series in
            series[key, default: Series()].byClass[min(max(status / 100, 1), 5)] += 1
            series[key]?.durations.add(duration)
        }
    }
}

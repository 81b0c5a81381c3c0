import FleetAPI
import HTTPTypes
import HummingbirdCore
import JSON
import NIOCore

extension Route {
    /// Whether the provider can work, and its numbers.
    static let operational = [
        Route(
            .get, "/readyz", "Whether the provider can do its work: 503 with the reason if not.", isOpen: true,
            answers: [.ok([String: String].self)]
        ) { call in
            if let problem = call.fleet.unreadiness { throw problem }
            return Answer(json: ["status": "ok"])
        },
        Route(.get, "/metrics", "Numbers for Prometheus.", answers: [.text(MetricsText.contentType)]) { call in
            Answer(
                fields: [.contentType: MetricsText.contentType],
                body: ResponseBody(byteBuffer: ByteBuffer(string: call.fleet.metricsText())))
        },
    ]
}

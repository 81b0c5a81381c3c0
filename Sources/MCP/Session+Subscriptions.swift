import JSON

extension Session {
    /// The most subscriptions open at one time.
    static let subscriptionLimit = 16

    /// Acknowledges a subscription. The tools are the same until the server ends, so that nothing ever follows but
    /// its end.
    ///
    /// Spec: MCP 2026-07-28, basic/utilities "Subscriptions".
    mutating func listen(_ id: RequestID, _ params: JSON) throws(RPCError) -> JSON {
        guard let filter = params["notifications"]?.object else {
            throw .invalidParams("notifications must be an object, got \(params["notifications"]?.kind ?? "nothing")")
        }
        for (key, value) in filter.members where key.hasSuffix("ListChanged") && value.bool == nil {
            throw .invalidParams("notifications.\(key) must be true or false, got \(value.kind)")
        }
        guard subscriptions.count < Self.subscriptionLimit else {
            throw .internal("\(Self.subscriptionLimit) subscriptions are open, and no more are taken; cancel one first")
        }
        subscriptions.append(id)
        return notification(
            "notifications/subscriptions/acknowledged",
            JSON.Object([("_meta", .object(meta(of: id))), ("notifications", [:])]))
    }

    /// Ends all subscriptions, because the server stops.
    mutating func endSubscriptions() -> [JSON] {
        defer { subscriptions = [] }
        return subscriptions.flatMap { id in
            [
                notification(
                    "notifications/cancelled",
                    JSON.Object([("_meta", .object(meta(of: id))), ("requestId", id.json)])),
                reply(to: id, JSON.Object([("_meta", .object(meta(of: id)))]), isModern: true),
            ]
        }
    }

    private func meta(of id: RequestID) -> JSON.Object {
        JSON.Object([(RequestMeta.subscriptionID, id.json)])
    }
}

import OpAMP

/// What comes of a ChatOps request at a simulated agent.
enum ChatOps {
    /// About one tag in ten fails at an agent, always the same; the tag `ok` never does and `fail` always.
    static func reply(to request: CustomRequest, from uid: InstanceUID) -> CustomReply {
        guard let tag = request.tag, !tag.isEmpty else { return failure(request, 404, "no tag") }
        let hash = tag.utf8.reduce(uid.low) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
        var random = SeededGenerator(seed: hash)
        if tag == "fail" || (tag != "ok" && random.chance(percent: 10)) {
            let reasons = [
                "task \(tag) ended with exit code 1", "no route for tag \(tag)", "input is paused, buffer full",
            ]
            return failure(request, 500, random.pick(reasons))
        }
        var reply = CustomReply(capability: request.capability, succeeded: true)
        reply.httpCode = 201
        return reply
    }

    private static func failure(_ request: CustomRequest, _ code: Int, _ reason: String) -> CustomReply {
        var reply = CustomReply(capability: request.capability, succeeded: false)
        reply.httpCode = code
        reply.errorMessage = reason
        return reply
    }
}

import FleetAPI
import JSON
import OpAMP

/// What tells two senders of one instance uid apart. The version never counts: upgrades happen in place.
struct SenderNames: Sendable, Equatable {
    /// Longer names are compared by their beginning.
    private static let lengthLimit = 256

    /// Nothing is known: it differs from nobody.
    static let unknown = SenderNames(host: nil, serviceInstanceID: nil)

    let host: String?
    let serviceInstanceID: String?

    init(_ description: AgentDescription) {
        let attributes = description.identifyingAttributes + description.nonIdentifyingAttributes
        func first(_ keys: String...) -> String? {
            for key in keys {
                guard let found = attributes.first(where: { $0.key == key }) else { continue }
                if let text = JSON(found.value).displayText.nonEmpty { return text }
            }
            return nil
        }
        self.init(host: first("host.name", "hostname"), serviceInstanceID: first("service.instance.id"))
    }

    init(_ facts: AgentFacts) {
        self.init(host: facts.host?.text, serviceInstanceID: facts.serviceInstanceID?.text)
    }

    private init(host: String?, serviceInstanceID: String?) {
        self.host = host?.prefixUTF8(Self.lengthLimit)
        self.serviceInstanceID = serviceInstanceID?.prefixUTF8(Self.lengthLimit)
    }

    /// Whether a name that both have is another one.
    func differ(from other: SenderNames) -> Bool {
        [(host, other.host), (serviceInstanceID, other.serviceInstanceID)].contains { left, right in
            left != nil && right != nil && left != right
        }
    }

    /// Whether they share a name, and no other one differs.
    func name(sameAs other: SenderNames) -> Bool {
        let shared =
            host != nil && host == other.host
            || serviceInstanceID != nil && serviceInstanceID == other.serviceInstanceID
        return shared && !differ(from: other)
    }

    /// The host, else the service instance id, as events and errors name the sender.
    var text: String? { host ?? serviceInstanceID }
}

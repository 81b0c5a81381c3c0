import FleetAPI
import JSON

/// The configurations that an operation offers: each content once, and which of its targets gets which.
struct OperationOffers: RESTObject, Equatable {
    /// A content, which is in the store by its hash.
    struct Content: RESTObject, Equatable {
        var hash = ContentHash.none
        var files: [ConfigRevision.File] = []

        init() {}

        init(hash: ContentHash, files: [ConfigRevision.File]) {
            (self.hash, self.files) = (hash, files)
        }

        mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
            try coder.required("hash", &hash)
            try coder.field("files", &files)
        }
    }

    var contents: [Content] = []
    /// For each target the place of its content, -1 where it gets none, and the revision that it was made from.
    var places: [Int] = []
    var revisions: [Int] = []

    init() {}

    mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.field("contents", &contents)
        try coder.field("places", &places)
        try coder.field("revisions", &revisions)
    }

    /// What a target is offered, as long as the revision is still the one that it was made from.
    func request(for target: Int) -> OfferRequest? {
        guard places.indices.contains(target), revisions.indices.contains(target),
            contents.indices.contains(places[target])
        else { return nil }
        let content = contents[places[target]]
        var revision = ConfigRevision()
        revision.files = content.files
        var request = OfferRequest(kind: .config, command: .config, hash: content.hash, body: nil, revision: revision)
        request.parameters = ["files": .object(.init(content.files.map { (key: $0.name, value: .integer($0.bytes)) }))]
        request.basedOn = revisions[target]
        return request
    }
}

import FleetAPI

/// What people decided about one agent: kept apart from what it reports, and durable before it is acknowledged.
struct Decisions: RESTObject, Equatable {
    /// Nothing has been decided.
    static let none = Decisions()

    var admission = Admission.approved
    /// The operators' own tags.
    var labels: [String: String] = [:]
    /// In nanoseconds since 1970; 0: it is not muted.
    private var muteEnd: Int64 = 0
    private var configBox: Boxed<Offering>?
    private var settingsBox: Boxed<Offering>?

    init() {}

    init(admission: Admission, labels: [String: String] = [:]) {
        (self.admission, self.labels) = (admission, labels)
    }

    init(labels: [String: String]) { self.labels = labels }

    mutating func fields(_ coder: inout FieldCoder) throws(ShapeError) {
        try coder.field("admission", &admission)
        try coder.field("labels", &labels)
        var (config, settings) = (configBox?.value, settingsBox?.value)
        try coder.field("config", &config)
        try coder.field("settings", &settings)
        (self.config, self.settings) = (config ?? Offering(), settings ?? Offering())
        try coder.field("muted_until", &mutedUntil)
    }

    /// Until when nobody is told that the agent is lost or unhealthy; it may be over.
    var mutedUntil: Timestamp? {
        get { muteEnd == 0 ? nil : Timestamp(nanoseconds: muteEnd) }
        set { muteEnd = newValue?.nanoseconds ?? 0 }
    }

    /// The configuration people want the agent to run on.
    var config: Offering {
        get { configBox?.value ?? Offering() }
        set { configBox = newValue == Offering() ? nil : Boxed(newValue) }
    }

    /// The connection settings people want it to use.
    var settings: Offering {
        get { settingsBox?.value ?? Offering() }
        set { settingsBox = newValue == Offering() ? nil : Boxed(newValue) }
    }

    /// Whether anything was ever offered to the agent.
    var hasOfferings: Bool { configBox != nil || settingsBox != nil }
}

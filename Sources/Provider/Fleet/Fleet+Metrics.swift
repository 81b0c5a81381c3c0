import FleetAPI
import OpAMP
import Synchronization

// What the provider tells of itself to those who watch it.
extension Fleet {
    /// Why the provider cannot do its work at present; nil while it can.
    var unreadiness: Problem? {
        if metrics.listeners.isStopping {
            return Problem(503, "Not ready", detail: "the provider was asked to end and is stopping")
        }
        if let trouble = store.trouble {
            return Problem(503, "Not ready", detail: "the store cannot be written: \(trouble)")
        }
        let missing = metrics.listeners.missing
        guard missing.isEmpty else {
            return Problem(503, "Not ready", detail: "not listening yet on \(missing.joined(separator: ", "))")
        }
        return nil
    }

    /// All numbers in the format that Prometheus reads. Labels have values from here only, never what an agent says.
    func metricsText() -> String {
        var text = MetricsText()
        text.family("opamp_build_info", .gauge, "The version that runs; always 1.")
        text.sample("opamp_build_info", ["version": version], 1)
        let uptime = Moment.now().monotonic - metrics.startedAt.monotonic
        text.family("opamp_uptime_seconds", .gauge, "Seconds since the provider started.")
        text.sample("opamp_uptime_seconds", Double(uptime) / 1e9)
        text.single(
            "opamp_ready", .gauge, "Whether the provider is ready, as /readyz tells it.", unreadiness == nil ? 1 : 0)
        addFleet(to: &text)
        addTraffic(to: &text)
        addTLS(to: &text)
        addStore(to: &text)
        addWebhook(to: &text)
        addRequests(to: &text)
        addProcess(to: &text)
        return text.text
    }

    private func addFleet(to text: inout MetricsText) {
        struct Key: Hashable {
            let status: AgentStatus
            let health: AgentHealth
            let admission: Admission
            let transport: AgentTransport
        }
        let snapshot = snapshot
        var agents: [Key: Int] = [:]
        for (record, vitals) in zip(snapshot.records, snapshot.vitals) {
            let key = Key(
                status: vitals.status, health: vitals.health, admission: record.decisions.admission,
                transport: vitals.transport)
            agents[key, default: 0] += 1
        }
        text.family("opamp_agents", .gauge, "Agents that the fleet knows.")
        for status in AgentStatus.allCases {
            for health in AgentHealth.allCases where status == .connected || health == .unknown {
                for admission in Admission.allCases {
                    for transport in AgentTransport.allCases {
                        let key = Key(status: status, health: health, admission: admission, transport: transport)
                        text.sample(
                            "opamp_agents",
                            [
                                "status": status.rawValue, "health": health.rawValue,
                                "admission": admission.rawValue, "transport": transport.rawValue,
                            ], agents[key] ?? 0)
                    }
                }
            }
        }
        let (reached, operations) = state.withLock { ($0.commandsReached, $0.operations) }
        text.family("opamp_commands_total", .counter, "Commands that reached a state since the start.")
        for state in CommandState.allCases {
            text.sample("opamp_commands_total", ["state": state.rawValue], reached[state] ?? 0)
        }
        text.family("opamp_commands_open", .gauge, "Commands that are queued, or sent and without an outcome.")
        for state in [CommandState.queued, .sent] {
            let count = snapshot.commands.values.count { $0.command.state == state }
            text.sample("opamp_commands_open", ["state": state.rawValue], count)
        }
        text.single(
            "opamp_operations_running", .gauge, "Operations that go on, or whose last commands are under way.",
            operations.count)
        text.family("opamp_events_total", .counter, "Events written since the start.")
        let events = store.feed.counts
        for kind in FleetEvent.kinds { text.sample("opamp_events_total", ["kind": kind], events[kind] ?? 0) }
        text.single("opamp_event_streams", .gauge, "Open streams of events.", store.feed.readers)
    }

    private func addTraffic(to text: inout MetricsText) {
        text.family("opamp_messages_received_total", .counter, "Messages of agents.")
        text.sample("opamp_messages_received_total", ["transport": "websocket"], metrics.webSocket.messages.value)
        text.sample("opamp_messages_received_total", ["transport": "http"], metrics.http.messages.value)
        text.family(
            "opamp_agent_received_bytes_total", .counter, "Bytes from agents: frames, and bodies as they were sent.")
        text.sample(
            "opamp_agent_received_bytes_total", ["transport": "websocket"], metrics.webSocket.receivedBytes.value)
        text.sample("opamp_agent_received_bytes_total", ["transport": "http"], metrics.http.receivedBytes.value)
        text.family("opamp_agent_sent_bytes_total", .counter, "Bytes of messages to agents.")
        text.sample("opamp_agent_sent_bytes_total", ["transport": "websocket"], metrics.webSocket.sentBytes.value)
        text.sample("opamp_agent_sent_bytes_total", ["transport": "http"], metrics.http.sentBytes.value)
        text.family("opamp_error_answers_total", .counter, "Messages to agents that tell of an error.")
        text.sample("opamp_error_answers_total", ["type": "bad_request"], metrics.badRequests.value)
        text.sample("opamp_error_answers_total", ["type": "unavailable"], metrics.unavailable.value)
        text.sample("opamp_error_answers_total", ["type": "unknown"], metrics.otherErrors.value)
        text.single(
            "opamp_agents_refused_total", .counter, "Requests of agents refused before a message was read.",
            metrics.refusedAgents.value)
        text.family("opamp_throttled_total", .counter, "What one address asked for too often, and was refused.")
        text.sample("opamp_throttled_total", ["what": "connections"], metrics.throttled.connections.value)
        text.sample("opamp_throttled_total", ["what": "agent_requests"], metrics.throttled.agentRequests.value)
        text.sample("opamp_throttled_total", ["what": "requests"], metrics.throttled.requests.value)
        let held = metrics.listeners.held
        text.single("opamp_connections", .gauge, "Open connections, of agents and others.", held.connections)
        text.single("opamp_websockets", .gauge, "Open WebSockets of agents.", held.webSockets)
        text.single(
            "opamp_in_flight_bytes", .gauge, "Bytes of messages that are collected or decoded.", held.inFlightBytes)
    }

    /// Nothing where no listener speaks TLS.
    private func addTLS(to text: inout MetricsText) {
        guard let tls = metrics.tls.withLock({ $0 }) else { return }
        text.single(
            "opamp_certificate_expiry_timestamp_seconds", .gauge,
            "When the first certificate of the chain that is shown ends, since 1970.", Int(tls.expiresAt.seconds))
        text.single(
            "opamp_certificate_reload_failures_total", .counter, "Changed files of TLS that could not be used.",
            tls.failures)
    }

    private func addStore(to text: inout MetricsText) {
        let load = store.writeLoad
        text.single("opamp_store_queued_changes", .gauge, "Changes that wait to be written.", load.queued)
        text.single(
            "opamp_store_backlog_changes", .gauge, "Changes that could not be written and are tried again.", load.kept)
        text.single("opamp_store_dropped_changes_total", .counter, "Changes given up for want of room.", load.dropped)
        text.single("opamp_store_errors_total", .counter, "Writes that failed.", load.errors)
        text.single("opamp_store_writable", .gauge, "Whether the last write succeeded.", store.trouble == nil ? 1 : 0)
        text.family("opamp_store_write_seconds", .histogram, "How long writing a batch of changes took.")
        text.sample("opamp_store_write_seconds", load.writes)
    }

    private func addWebhook(to text: inout MetricsText) {
        let (status, kinds) = (webhook.status, webhook.takenByKind)
        text.family("opamp_webhook_requests_total", .counter, "Requests to the webhook.")
        text.sample("opamp_webhook_requests_total", ["result": "ok"], status.delivered)
        text.sample("opamp_webhook_requests_total", ["result": "failed"], status.failed)
        text.family("opamp_webhook_notices_total", .counter, "Notices that the webhook took.")
        for kind in NoticeKind.allCases {
            text.sample("opamp_webhook_notices_total", ["kind": kind.rawValue], kinds[kind] ?? 0)
        }
        text.single("opamp_webhook_queued", .gauge, "Notices that wait.", status.queued)
        text.single("opamp_webhook_dropped_total", .counter, "Notices that were given up.", status.dropped)
    }

    private func addRequests(to text: inout MetricsText) {
        let requests = metrics.requests.all
        text.family("opamp_http_requests_total", .counter, "Requests to the API.")
        for (key, series) in requests {
            for (digit, count) in series.byClass.enumerated() where count > 0 {
                text.sample(
                    "opamp_http_requests_total",
                    ["route": key.route, "method": key.method, "status": "\(digit)xx"], count)
            }
        }
        text.family("opamp_http_request_seconds", .histogram, "How long answers of the API took to make.")
        for (key, series) in requests {
            text.sample(
                "opamp_http_request_seconds", ["route": key.route, "method": key.method], series.durations)
        }
    }

    private func addProcess(to text: inout MetricsText) {
        let use = ProcessUse.now()
        text.family("process_cpu_seconds_total", .counter, "CPU time, user and system.")
        text.sample("process_cpu_seconds_total", use.cpuSeconds)
        text.single("process_resident_memory_bytes", .gauge, "Memory in use.", use.residentBytes)
        text.single("process_virtual_memory_bytes", .gauge, "Memory that is mapped.", use.virtualBytes)
        text.single("process_open_fds", .gauge, "Open files, connections among them.", use.openFiles)
        text.single("process_max_fds", .gauge, "How many files may be open.", use.openFileLimit)
        text.family("process_start_time_seconds", .gauge, "When the provider started, since 1970.")
        text.sample("process_start_time_seconds", Double(metrics.startedAt.wall.nanoseconds) / 1e9)
    }
}

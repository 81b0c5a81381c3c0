/// The two kinds of agent in a simulated fleet, with versions and plugins as they are met in the field.
package enum AgentType: Sendable, CaseIterable {
    case fluentBit
    case fluentd

    /// `service.name`.
    package var serviceName: String {
        switch self {
        case .fluentBit: "fluent-bit"
        case .fluentd: "fluentd"
        }
    }

    var versions: [(String, weight: Int)] {
        switch self {
        case .fluentBit: [("5.1.1", 35), ("5.0.4", 25), ("4.2.0", 20), ("4.0.14", 12), ("3.2.10", 8)]
        case .fluentd: [("1.19.0", 45), ("1.18.0", 35), ("1.16.5", 20)]
        }
    }

    var inputs: [(String, String)] {
        switch self {
        case .fluentBit:
            [
                ("tail", "/var/log/nginx/access.log"), ("tail", "/var/log/nginx/error.log"),
                ("tail", "/var/log/containers/*.log"), ("systemd", "_SYSTEMD_UNIT=docker.service"),
                ("forward", "0.0.0.0:24224"), ("http", "127.0.0.1:8888"), ("cpu", ""), ("mem", ""),
            ]
        case .fluentd:
            [
                ("tail", "/var/log/postgresql/postgresql.log"), ("tail", "/var/log/app/*.log"),
                ("forward", "0.0.0.0:24224"), ("syslog", "0.0.0.0:5140"), ("http", "127.0.0.1:9880"),
            ]
        }
    }

    var filters: [String] {
        switch self {
        case .fluentBit: ["kubernetes", "parser", "modify", "grep", "lua", "throttle"]
        case .fluentd: ["record_transformer", "parser", "grep", "geoip"]
        }
    }

    /// Plugin, start of the host name, port.
    var outputs: [(String, String, Int)] {
        switch self {
        case .fluentBit:
            [
                ("es", "es-prod", 9200), ("es", "es-archive", 9200), ("loki", "loki", 3100), ("kafka", "kafka", 9092),
                ("http", "collector", 443), ("forward", "aggregator", 24224),
            ]
        case .fluentd:
            [
                ("elasticsearch", "es-prod", 9200), ("kafka2", "kafka", 9092), ("forward", "aggregator", 24224),
                ("elasticsearch", "es-archive", 9200), ("loki", "loki", 3100),
            ]
        }
    }
}

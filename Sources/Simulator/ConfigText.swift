import FoundationEssentials
import OpAMP

/// The configuration that a simulated agent says it runs: 2 to 4 kB of Fluent Bit or Fluentd text.
struct ConfigText {
    let fileName: String
    let contentType: String
    let text: String

    var effectiveConfig: EffectiveConfig {
        var file = AgentConfigObject()
        file.body = Data(text.utf8)
        file.contentType = contentType
        var config = EffectiveConfig()
        config.configMap.configMap = [fileName: file]
        return config
    }

    init(of profile: AgentProfile) {
        var random = SeededGenerator(seed: profile.configSeed)
        let syntax: Syntax =
            switch profile.type {
            case .fluentBit: random.pick([(.classic, weight: 2), (.yaml, weight: 1)])
            case .fluentd: .fluentd
            }
        fileName = syntax.fileName
        contentType = syntax.contentType
        let head = """
            # \(profile.type.serviceName) on \(profile.hostName), \(profile.environment)
            # Managed by team \(profile.team).
            \(syntax.head(storagePath: profile.pipeline.storagePath))
            """
        var sections: [Pipeline.Component.Stage: String] = [:]
        for component in profile.pipeline.components {
            let options = Self.options(of: component, profile, &random)
            sections[component.stage, default: syntax.title(component.stage)] += syntax.section(component, options)
        }
        // Rules like those that grow over the years, until the text is as long as it usually is.
        let length = Int.random(in: 2_100...3_600, using: &random) - head.utf8.count
        var rules = 0
        while sections.values.map(\.utf8.count).reduce(0, +) < length {
            rules += 1
            sections[.filter]? += syntax.section(Self.rule(for: profile.type), Self.ruleOptions(rules, &random))
        }
        text = head + [.input, .filter, .output].compactMap { sections[$0] }.joined()
    }

    private static func rule(for type: AgentType) -> Pipeline.Component {
        let plugin = type == .fluentd ? "record_transformer" : "modify"
        return Pipeline.Component(stage: .filter, plugin: plugin, number: 0, target: "")
    }

    private static func ruleOptions(_ number: Int, _ random: inout SeededGenerator) -> [(String, String)] {
        let field = random.pick(["request_id", "tenant", "upstream", "zone", "trace_id", "shard"])
        return [("match", "app.\(field).*"), ("rename", "\(field)_\(number) \(field)"), ("add", "rule r\(number)")]
    }

    private static func options(
        of component: Pipeline.Component, _ profile: AgentProfile, _ random: inout SeededGenerator
    ) -> [(String, String)] {
        switch component.stage {
        case .input:
            return [
                ("tag", "\(component.plugin).\(profile.namespace)"),
                (component.target.hasPrefix("/") ? "path" : "source", component.target),
                ("mem_buf_limit", "\(random.pick([5, 10, 50]))M"), ("storage.type", "filesystem"),
            ].filter { !$0.1.isEmpty }
        case .filter:
            return [("match", "*"), ("add", "host \(profile.hostName)")]
        case .output:
            let parts = component.target.split(separator: ":")
            var options = [
                ("match", "*"), ("host", String(parts[0])), ("port", String(parts[1])),
                ("retry_limit", String(random.pick([3, 5, 10]))),
            ]
            if random.chance(percent: 40) {
                let (user, password) = profile.type == .fluentd ? ("user", "password") : ("http_user", "http_passwd")
                options.append((user, "\(profile.type.serviceName)-writer"))
                options.append((password, "pw-\(String(random.next(), radix: 36))"))
            }
            return options
        }
    }
}

extension ConfigText {
    private enum Syntax {
        case classic, yaml, fluentd

        var fileName: String {
            switch self {
            case .classic: "fluent-bit.conf"
            case .yaml: "fluent-bit.yaml"
            case .fluentd: "fluentd.conf"
            }
        }

        var contentType: String { self == .yaml ? "text/yaml" : "text/plain" }

        func head(storagePath: String) -> String {
            switch self {
            case .classic:
                """

                [SERVICE]
                    Flush         1
                    Log_Level     info
                    Parsers_File  parsers.conf
                    HTTP_Server   On
                    HTTP_Port     2020
                    storage.path  \(storagePath)

                """
            case .yaml:
                """

                service:
                  flush: 1
                  log_level: info
                  http_server: on
                  http_port: 2020
                  storage.path: \(storagePath)
                pipeline:

                """
            case .fluentd:
                """

                <system>
                  log_level info
                  root_dir \(storagePath)
                </system>

                """
            }
        }

        /// What stands before the sections of a stage.
        func title(_ stage: Pipeline.Component.Stage) -> String {
            self == .yaml ? "  \(stage.rawValue)s:\n" : ""
        }

        func section(_ component: Pipeline.Component, _ options: [(String, String)]) -> String {
            switch self {
            case .classic:
                return "\n[\(component.stage.rawValue.uppercased())]\n    Name  \(component.plugin)\n"
                    + options.map { "    \(classicKey($0.0))  \($0.1)\n" }.joined()
            case .yaml:
                return "    - name: \(component.plugin)\n" + options.map { "      \($0.0): '\($0.1)'\n" }.joined()
            case .fluentd:
                let (element, pattern) =
                    switch component.stage {
                    case .input: ("source", "")
                    case .filter: ("filter", " **")
                    case .output: ("match", " **")
                    }
                return "\n<\(element)\(pattern)>\n  @type \(component.plugin)\n"
                    + options.map { "  \($0.0) \($0.1)\n" }.joined() + "</\(element)>\n"
            }
        }

        /// `mem_buf_limit` as `Mem_Buf_Limit`; keys with a dot stay as they are.
        private func classicKey(_ key: String) -> String {
            if key.contains(".") { return key }
            return key.split(separator: "_").map { $0 == "http" ? "HTTP" : $0.prefix(1).uppercased() + $0.dropFirst() }
                .joined(separator: "_")
        }
    }
}

import ClientSetup
import FleetAPI
import FleetClient
import FleetTools
import Glibc
import JSON
import MCP

let output = keepStandardOutput()

func write(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}

func session(_ settings: Settings) throws -> FleetSession {
    var address = ProviderAddress(url: settings.provider, token: settings.token)
    if let file = settings.tokenFile { address.token = try readToken(from: file) }
    address.caFile = settings.caFile
    address.clientCertificateFile = settings.clientCertificate
    address.clientKeyFile = settings.clientKey
    if let seconds = settings.timeoutSeconds { address.timeout = .seconds(seconds) }
    return FleetSession(FleetClient(address), maxTargets: settings.maxTargets)
}

func safeguards(_ settings: Settings) throws -> Safeguards {
    var safeguards = Safeguards()
    if let policy = settings.confirmation.flatMap(ConfirmationPolicy.init) { safeguards.confirmation = policy }
    if let limit = settings.callsAtOnce { safeguards.callsAtOnce = limit }
    if let limit = settings.writesPerMinute { safeguards.actionsPerMinute = limit }
    if let path = settings.auditLog {
        do {
            safeguards.auditLog = try AuditLog(path: path)
        } catch {
            throw UsageError("--audit-log: \(error)")
        }
    }
    return safeguards
}

func absolute(_ path: String) -> String {
    guard let found = realpath(path, nil) else { return path }
    defer { free(found) }
    return String(cString: found)
}

do {
    let settings = try Settings(arguments: Array(CommandLine.arguments.dropFirst())) { name in
        getenv(name).map { String(cString: $0) }
    }
    var selection = ToolSelection()
    selection.isReadOnly = settings.isReadOnly
    selection.only = settings.tools
    selection.without = settings.excludedTools
    let tools = try selection.tools
    switch settings.job {
    case .version: write("opamp-mcp \(productVersion)\n", to: output)
    case .help: write(helpText, to: output)
    case .listTools:
        for tool in tools { write("\(tool.name)\t\(tool.listing["description"]?.string ?? "")\n", to: output) }
    case .printConfig(let client):
        let config = ClientConfig(program: absolute("/proc/self/exe"), settings: settings, absolute: absolute)
        write(config.block(for: client), to: output)
        write("add this to \(client.file)\n", to: STDERR_FILENO)
        if settings.token != nil, settings.tokenFile == nil {
            write("OPAMP_SERVER_TOKEN is not in it; use --token-file\n", to: STDERR_FILENO)
        }
    case .call(let tool, let text):
        let arguments: JSON
        do {
            arguments = try text.map { try JSON(parsing: $0) } ?? [:]
        } catch {
            throw UsageError("call \(tool): the arguments are \(error); give one JSON object")
        }
        let server = fleetServer(tools, try session(settings), try safeguards(settings))
        let result = await server.callTool(tool, arguments: arguments)
        write(result.text + "\n", to: output)
        exit(result.isError ? 1 : 0)
    case .serve:
        let stop = StopSignal()
        onTermination { stop.request() }
        await fleetServer(tools, try session(settings), try safeguards(settings)).run(
            input: STDIN_FILENO, output: output, stop: stop)
    }
} catch {
    write("opamp-mcp: \(error)\n", to: STDERR_FILENO)
    exit(UsageError.exitCode)
}

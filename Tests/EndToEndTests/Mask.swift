/// A line of JSON with everything that differs from run to run replaced: command ids, ages, times, ports, marks of
/// fences.
func masked(_ line: String) -> String {
    line
        .replacing(#/command_id=[0-9a-f]{32}/#, with: "command_id=<id>")
        .replacing(#/\[(data|end) [0-9a-z]{8}/#) { "[\($0.output.1) <mark>" }
        .replacing(#/plan=\\"[a-z0-9]{10}\\"/#, with: "plan=<handle>")
        .replacing(#/(\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d(\.\d{3})?Z?/#, with: "<time>")
        .replacing(#/127\.0\.0\.1:\d+/#, with: "127.0.0.1:<port>")
        .replacing(#/(^|\\[nt]|[^0-9A-Za-z_.>-])\d+(\.\d)?[smhd]\b/#) { "\($0.output.1)<age>" }
}

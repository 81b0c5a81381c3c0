package import JSON

/// Something a model can call: what it is told about it, and what is done.
///
/// The schema, the check of the arguments and the handler's parameters come from the same fields.
/// Spec: MCP 2025-11-25 and 2026-07-28, server/tools.
package struct Tool<Context: Sendable>: Sendable {
    package let name: String
    package let access: Access
    /// The entry of `tools/list`.
    package let listing: JSON
    private let perform: @Sendable (Context, ToolCall, JSON.Object) async throws -> String

    /// - Parameters:
    ///   - name: `[a-z0-9_]`, at most 32 characters.
    ///   - description: stands alone; at most 2048 characters.
    ///   - field: in the order of the handler's parameters.
    ///   - handler: gives the text for the model. Throws a `ToolFailure` where it has something to say about the way
    ///     out; any other error is told by its description. Must end soon once its task is cancelled.
    package init<each Value: Sendable>(
        _ name: String, _ access: Access, _ description: String, _ field: repeat Field<each Value>,
        handler: @escaping @Sendable (Context, ToolCall, repeat each Value) async throws -> String
    ) {
        precondition(name.utf8.count <= 32 && name.utf8.allSatisfy(isNameByte), "not a tool's name: \(name)")
        precondition(description.utf8.count <= 2048, "\(name): the description is too long for clients")
        var properties = JSON.Object()
        var required: [JSON] = []
        var names: [String] = []
        for field in repeat each field {
            precondition(properties[field.name] == nil, "\(name): two fields named \(field.name)")
            properties[field.name] = field.schema
            names.append(field.name)
            if field.isRequired { required.append(.string(field.name)) }
        }
        var schema = JSON.Object([
            ("type", "object"), ("properties", .object(properties)), ("additionalProperties", false),
        ])
        if !required.isEmpty { schema["required"] = .array(required) }
        self.name = name
        self.access = access
        listing = .object(
            JSON.Object([
                ("name", .string(name)), ("description", .string(description)), ("inputSchema", .object(schema)),
                ("annotations", access.annotations),
            ])
        )
        let fieldNames = names
        perform = { context, call, arguments in
            try Self.refuseUnknown(arguments, tool: name, fields: fieldNames)
            return try await handler(
                context, call,
                repeat try (each field).read(
                    Argument(tool: name, name: (each field).name, access: access, value: arguments[(each field).name])
                )
            )
        }
    }

    /// Checks the arguments and does the work. Never throws: a failure is a result that says so.
    package func result(_ context: Context, _ call: ToolCall, _ arguments: JSON.Object) async -> ToolResult {
        do {
            return ToolResult(try await perform(context, call, arguments))
        } catch let question as Question {
            return ToolResult(question.message, isError: true, obstacle: .question(question))
        } catch let failure as CannotAsk {
            return ToolResult(failure.description, isError: true, obstacle: .cannotAsk)
        } catch is CancellationError {
            return ToolResult("\(name): cancelled", isError: true)
        } catch {
            return ToolResult("\(error)", isError: true)
        }
    }

    private static func refuseUnknown(
        _ arguments: JSON.Object, tool: String, fields: [String]
    ) throws(ToolFailure) {
        guard let unknown = arguments.members.first(where: { !fields.contains($0.key) })?.key else { return }
        let shown = unknown.utf8.allSatisfy(isNameByte) ? String(unknown.prefix(80)) : excerpt(unknown)
        guard !fields.isEmpty else { throw ToolFailure("\(tool) takes no arguments, got \(shown)") }
        let meant = nearest(to: unknown, in: fields).map { " (did you mean \($0)?)" } ?? ""
        throw ToolFailure(
            "\(tool) has no argument \(shown)\(meant)", try: "use: \(fields.joined(separator: ", "))"
        )
    }
}

private func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
    default: false
    }
}

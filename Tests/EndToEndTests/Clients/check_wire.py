#!/usr/bin/env python3
"""Checks what an MCP server wrote against the official JSON schema of the revision that each line belongs to.

usage: check_wire.py FILE...

A FILE holds one session: `> ` lines that the client wrote, `< ` lines that the server wrote. The schemas are those in
the package mcp-fuzzer. Also checked: that every id answers a request that is still open, with the same type; that an
answer without a readable id has none, or null below 2025-11-25. Prints one JSON object: the lines checked by revision
and kind. Ends with 1 and a line for each fault.
"""
import collections
import importlib.util
import json
import pathlib
import sys

import jsonschema

REVISIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]
MODERN = REVISIONS[-1]
NEWEST_HANDSHAKE = REVISIONS[-2]
RESULTS = {
    "initialize": "InitializeResult",
    "ping": "EmptyResult",
    "tools/list": "ListToolsResult",
    "tools/call": "CallToolResult",
    "server/discover": "DiscoverResult",
    "subscriptions/listen": "SubscriptionsListenResult",
}
REQUESTS = {"elicitation/create": "ElicitRequest"}
NOTIFICATIONS = {
    "notifications/progress": "ProgressNotification",
    "notifications/cancelled": "CancelledNotification",
    "notifications/subscriptions/acknowledged": "SubscriptionsAcknowledgedNotification",
}
ERRORS = {-32021: "MissingRequiredClientCapabilityError", -32022: "UnsupportedProtocolVersionError"}
# What only the modern revision has in a result.
MODERN_KEYS = {"resultType", "ttlMs", "cacheScope", "inputRequests", "requestState"}
# The envelope of an answer has had several names.
ENVELOPES = {
    "result": ["JSONRPCResultResponse", "JSONRPCResponse"],
    "error": ["JSONRPCErrorResponse", "JSONRPCError"],
    "request": ["JSONRPCRequest"],
    "notification": ["JSONRPCNotification"],
}


class Schemas:
    """The definitions of every revision, each made a validator when it is first needed."""

    def __init__(self):
        package = pathlib.Path(importlib.util.find_spec("mcp_fuzzer").origin).parent
        folder = package / "schemas" / "mcp-spec" / "schema"
        self.documents = {name: json.loads((folder / name / "schema.json").read_text()) for name in REVISIONS}
        self.validators = {}

    def definitions(self, revision):
        document = self.documents[revision]
        return "$defs" if "$defs" in document else "definitions"

    def fault(self, revision, names, value):
        """What is wrong with the value; None where it is what the first of the names that exists demands."""
        key = self.definitions(revision)
        name = next((name for name in names if name in self.documents[revision][key]), None)
        if name is None:
            return f"{revision} has no {names[0]}"
        if (revision, name) not in self.validators:
            document = dict(self.documents[revision])
            document["$ref"] = f"#/{key}/{name}"
            kind = jsonschema.validators.validator_for(document, default=jsonschema.Draft202012Validator)
            self.validators[revision, name] = kind(document)
        error = jsonschema.exceptions.best_match(self.validators[revision, name].iter_errors(value))
        return None if error is None else f"{name} of {revision}: {error.json_path}: {error.message}"


class Session:
    """What a client and the server have said to each other so far."""

    def __init__(self, schemas, counts):
        self.schemas = schemas
        self.counts = counts
        self.revision = None
        self.open = collections.defaultdict(list)
        self.tokens = {}
        self.unreadable = []

    def sent(self, text):
        text = text.strip().removeprefix("\ufeff").strip()
        if not text:
            return
        try:
            message = json.loads(text)
        except ValueError:
            self.unreadable.append(text)
            return
        for one in message if isinstance(message, list) and message else [message]:
            self.asked(one, text)

    def asked(self, message, text):
        if not isinstance(message, dict) or "id" not in message:
            if not isinstance(message, dict) or "method" not in message:
                self.unreadable.append(text)
            return
        if isinstance(message["id"], bool) or not isinstance(message["id"], (int, str)):
            self.unreadable.append(text)
            return
        if "method" not in message and ("result" in message or "error" in message):
            return
        parameters = message.get("params")
        meta = parameters.get("_meta") if isinstance(parameters, dict) else None
        meta = meta if isinstance(meta, dict) else {}
        is_modern = "io.modelcontextprotocol/protocolVersion" in meta
        self.open[json.dumps(message["id"])].append((message.get("method"), is_modern))
        if "progressToken" in meta:
            self.tokens[json.dumps(meta["progressToken"])] = is_modern
        # Some lines are JSON for Python and not for others: twice the same key, numbers of any size.
        self.unreadable.append(text)

    def wrote(self, text):
        """The faults of a line."""
        try:
            message = json.loads(text)
        except ValueError as error:
            return [f"not JSON: {error}"]
        if isinstance(message, list):
            if self.revision != "2025-03-26":
                return ["an array, which only 2025-03-26 has"]
            return [fault for one in message for fault in self.message(one)]
        return self.message(message)

    def message(self, message):
        if "method" in message:
            return self.told(message)
        kinds = [kind for kind in ("result", "error") if kind in message]
        if len(kinds) != 1:
            return [f"{len(kinds)} of result and error"]
        identity = message.get("id")
        if kinds == ["error"] and identity is None:
            return self.anonymous(message)
        pending = self.open.get(json.dumps(identity), [])
        if kinds == ["error"]:
            method, is_modern = pending.pop() if pending else (None, False)
            if method is None and not any(json.dumps(identity) in text for text in self.unreadable):
                return [f"the id {identity!r} answers nothing"]
            return self.checked(message, "error", is_modern, ERRORS.get(message["error"].get("code")), message)
        faults = [f"the id {identity!r} answers nothing"]
        for entry in pending:
            method, is_modern = entry
            definition = RESULTS.get(method, "a result of " + str(method))
            if message["result"].get("resultType") == "input_required":
                definition = "InputRequiredResult"
            faults = self.checked(message, "result", is_modern, definition, message["result"])
            if not is_modern and MODERN_KEYS & set(message["result"]):
                faults.append(f"{sorted(MODERN_KEYS & set(message['result']))} in a session with a handshake")
            if not faults:
                pending.remove(entry)
                if method == "initialize":
                    self.revision = message["result"]["protocolVersion"]
                break
        return faults

    def anonymous(self, message):
        if not self.unreadable:
            return ["an error without an id, but every line had one"]
        has_null = "id" in message
        wants_null = self.revision is not None and self.revision < NEWEST_HANDSHAKE
        if has_null != wants_null:
            return [f"an error {'with the id null' if has_null else 'without an id'} in {self.revision}"]
        if has_null:
            message = {**message, "id": 0}
        return self.checked(message, "error", False, None, message)

    def told(self, message):
        method = message["method"]
        if "id" in message:
            return self.checked(message, "request", False, REQUESTS.get(method, method), message)
        parameters = message.get("params", {})
        is_modern = "_meta" in parameters or self.tokens.get(json.dumps(parameters.get("progressToken")), False)
        return self.checked(message, "notification", is_modern, NOTIFICATIONS.get(method, method), message)

    def checked(self, message, envelope, is_modern, definition, value):
        revision = MODERN if is_modern else self.revision or NEWEST_HANDSHAKE
        # The answer to initialize is the first line of its own revision.
        if definition == "InitializeResult":
            revision = value.get("protocolVersion", revision)
        faults = [self.schemas.fault(revision, ENVELOPES[envelope], message)]
        if envelope == "request" and is_modern:
            faults.append("a request to a client of 2026-07-28")
        if definition is not None:
            faults.append(self.schemas.fault(revision, [definition], value))
        self.counts[revision][definition or envelope] += 1
        return [fault for fault in faults if fault]


def main():
    schemas = Schemas()
    counts = collections.defaultdict(collections.Counter)
    problems = []
    for path in sys.argv[1:]:
        session = Session(schemas, counts)
        lines = pathlib.Path(path).read_bytes().decode(errors="replace").split("\n")
        for number, line in enumerate(lines, 1):
            if line.startswith("> "):
                session.sent(line[2:])
            elif line.startswith("< "):
                problems += [f"{path}:{number}: {fault}: {line[:400]}" for fault in session.wrote(line[2:])]
    print(json.dumps({revision: counts[revision] for revision in REVISIONS if counts[revision]}))
    if problems:
        sys.exit("\n".join(problems))
    if not any(counts.values()):
        sys.exit("no line was checked")


main()

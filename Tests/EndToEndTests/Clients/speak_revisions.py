#!/usr/bin/env python3
"""Speaks every revision of MCP with a server: all methods, tools that fail, wrong requests, questions, the end.

usage: speak_revisions.py FOLDER AGENT COMMAND [ARGUMENT...]

COMMAND starts the server; each action must need the confirmation of a person there. AGENT is restarted. FOLDER gets a
file for each session, with `> ` before what was sent and `< ` before what was answered. Ends with 1 where an answer
does not come in a minute.
"""
import json
import pathlib
import selectors
import signal
import subprocess
import sys
import time

TIMEOUT_SECONDS = 60
ASK = {"elicitation": {}}
CLIENT = {"name": "speaker", "version": "1"}


class Session:
    def __init__(self, path, command):
        self.log = open(path, "w", encoding="utf-8")
        self.server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.server.stdout, selectors.EVENT_READ)
        self.buffer = b""
        self.last = 0

    def send(self, message):
        text = message if isinstance(message, str) else json.dumps(message)
        self.log.write(f"> {text}\n")
        self.server.stdin.write(text.encode() + b"\n")
        self.server.stdin.flush()

    def line(self):
        """The next line; None at the end of the output."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while b"\n" not in self.buffer:
            if not self.selector.select(max(0, deadline - time.monotonic())):
                sys.exit(f"{self.log.name}: no line in {TIMEOUT_SECONDS} s")
            data = self.server.stdout.read1(1 << 16)
            if not data:
                return None
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        self.log.write(f"< {line.decode()}\n")
        return json.loads(line)

    def answer(self, identity, action="accept"):
        """The answer to a request. What a person is asked meanwhile is answered with the action."""
        while True:
            message = self.line()
            if message is None:
                sys.exit(f"{self.log.name}: ended before {identity!r} was answered")
            if isinstance(message, list) or message.get("id") == identity and "method" not in message:
                return message
            if message.get("method") == "elicitation/create":
                content = {"content": {}} if action == "accept" else {}
                self.send({"jsonrpc": "2.0", "id": message["id"], "result": {"action": action, **content}})

    def request(self, method, params=None, action="accept"):
        self.last += 1
        message = {"jsonrpc": "2.0", "id": self.last, "method": method}
        if params is not None:
            message["params"] = params
        self.send(message)
        return self.answer(self.last, action)

    def notify(self, method, params=None):
        self.send({"jsonrpc": "2.0", "method": method, **({} if params is None else {"params": params})})

    def refused(self):
        """Lines that are no requests, each answered with an error."""
        for text in ["garbage", "[]", "5", "{}", '{"jsonrpc":"2.0","id":null,"method":"ping"}',
                     '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', '{"id":"old","method":"ping"}',
                     '{"jsonrpc":"2.0","id":"n","method":5}', '{"jsonrpc":"2.0","id":"p","method":"x","params":[]}']:
            self.send(text)
            self.line()

    def end(self):
        """Asks the server to end, and reads what it says last."""
        self.server.send_signal(signal.SIGTERM)
        while self.line() is not None:
            pass
        code = self.server.wait(timeout=TIMEOUT_SECONDS)
        self.log.close()
        if code != 0:
            sys.exit(f"the server ended with {code}")


def expect(what, condition, message):
    if not condition:
        sys.exit(f"{what}: {json.dumps(message)}")


def text(message):
    return message["result"]["content"][0]["text"]


def calls(agent):
    """Calls of tools that fail, or only read."""
    yield "fleet_summary", {}
    yield "list_agents", {"limit": 2}
    yield "get_agent", {"agent": agent}
    yield "get_agent", {"agent": "nobody-at-all"}
    yield "get_agent", {"agents": agent}
    yield "list_agents", {"limit": 0}


def handshake(session, revision, agent):
    result = session.request(
        "initialize", {"protocolVersion": revision, "capabilities": ASK, "clientInfo": CLIENT})
    expect(revision, result["result"]["protocolVersion"] == revision, result)
    session.notify("notifications/initialized")
    session.request("ping")
    session.request("tools/list")
    session.request("tools/list", {"cursor": "x"})
    for name, arguments in calls(agent):
        session.request("tools/call", {"name": name, "arguments": arguments})
    for name in ["resources/list", "prompts/list", "logging/setLevel", "server/discover", "completion/complete", "x"]:
        message = session.request(name, {})
        expect(name, message["error"]["code"] == -32601, message)
    for params in [{"name": "nothing"}, {}, {"name": "get_agent", "arguments": []}]:
        message = session.request("tools/call", params)
        expect(params, message["error"]["code"] == -32602, message)
    can_ask = revision >= "2025-06-18"
    restart = {
        "name": "restart_agent", "arguments": {"agent": agent, "wait_seconds": 1}, "_meta": {"progressToken": "t"}}
    for action in ["decline", "cancel", "accept"]:
        message = session.request("tools/call", restart, action)
        done = not text(message).startswith("refused: ")
        expect(action, done == (can_ask and action == "accept"), message)
    session.refused()
    if revision == "2025-03-26":
        session.send([
            {"jsonrpc": "2.0", "id": "a", "method": "ping"},
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            {"jsonrpc": "2.0", "id": "b", "method": "tools/call", "params": {"name": "fleet_summary"}},
            {"jsonrpc": "2.0", "id": "c", "method": "x"},
        ])
        batch = session.answer("batch")
        expect("batch", sorted(answer["id"] for answer in batch) == ["a", "b", "c"], batch)
    session.request("initialize", {"protocolVersion": revision, "capabilities": {}, "clientInfo": CLIENT})


def modern(session, revision, agent):
    def request(method, params=None, capabilities=ASK, version=revision, **meta):
        return session.request(method, {**(params or {}), "_meta": {
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientCapabilities": capabilities,
            "io.modelcontextprotocol/clientInfo": CLIENT, **meta}})

    expect("discover", request("server/discover")["result"]["supportedVersions"] == [revision], None)
    request("tools/list")
    request("tools/list", {"cursor": "x"})
    for name, arguments in calls(agent):
        request("tools/call", {"name": name, "arguments": arguments})
    for name in ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe", "x"]:
        message = request(name)
        expect(name, message["error"]["code"] == -32601, message)
    message = request("tools/list", version="2025-11-25")
    expect("version", message["error"]["code"] == -32022, message)
    message = session.request("tools/list", {"_meta": {"io.modelcontextprotocol/protocolVersion": revision}})
    expect("capabilities", message["error"]["code"] == -32602, message)
    message = session.request("tools/list")
    expect("no metadata", message["error"]["code"] == -32602, message)
    restart = {"name": "restart_agent", "arguments": {"agent": agent, "wait_seconds": 1}}
    message = request("tools/call", restart, capabilities={})
    expect("nobody to ask", message["error"]["code"] == -32021, message)
    for action in ["decline", "cancel", "accept"]:
        question = request("tools/call", restart, progressToken=7)
        expect(action, question["result"]["resultType"] == "input_required", question)
        again = {
            **restart, "requestState": question["result"]["requestState"],
            "inputResponses": {key: {"action": action} for key in question["result"]["inputRequests"]}}
        message = request("tools/call", again, progressToken=7)
        expect(action, text(message).startswith("refused: ") == (action != "accept"), message)
        message = request("tools/call", again)
        expect("used state", message["error"]["code"] == -32602, message)
    session.refused()
    session.last += 1
    session.send({"jsonrpc": "2.0", "id": session.last, "method": "subscriptions/listen", "params": {
        "notifications": {"toolsListChanged": True}, "_meta": {
            "io.modelcontextprotocol/protocolVersion": revision,
            "io.modelcontextprotocol/clientCapabilities": {}}}})
    message = session.line()
    expect("listen", message["method"] == "notifications/subscriptions/acknowledged", message)


def main():
    folder, agent, command = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]:
        session = Session(folder / f"{revision}.log", command)
        (modern if revision == "2026-07-28" else handshake)(session, revision, agent)
        session.end()


main()

#!/usr/bin/env python3
"""Plays a conversation through an MCP server on a pipe and shows what was asked and answered.

usage: scripts/play.py CONVERSATION COMMAND [ARGUMENT...]

CONVERSATION holds one JSON object a line: question, tool, arguments, and in `expect` the first word that the answer
must have. Exits with 1 when an answer is an error or another than expected, or does not come in two minutes.
"""
import json
import os
import selectors
import subprocess
import sys
import time

TIMEOUT_SECONDS = 120


class Server:
    """An MCP server: a child that reads and writes one JSON message a line."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.buffer = b""
        self.last_id = 0

    def send(self, message):
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.process.stdin.flush()

    def request(self, method, parameters):
        """The result of a request; anything else ends the program."""
        self.last_id += 1
        self.send({"id": self.last_id, "method": method, "params": parameters})
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            answer = json.loads(self.line(deadline, method))
            if answer.get("id") != self.last_id:
                continue
            if "error" in answer:
                sys.exit(f"{method}: {answer['error']}")
            return answer["result"]

    def line(self, deadline, method):
        while b"\n" not in self.buffer:
            if not self.selector.select(max(0, deadline - time.monotonic())):
                sys.exit(f"{method}: no answer in {TIMEOUT_SECONDS} seconds")
            added = os.read(self.process.stdout.fileno(), 65536)
            if not added:
                sys.exit(f"{method}: the server ended with {self.process.wait()}")
            self.buffer += added
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line

    def end(self):
        self.process.stdin.close()
        code = self.process.wait(timeout=TIMEOUT_SECONDS)
        if code != 0:
            sys.exit(f"the server ended with {code}")


def size(text):
    count = len(text.encode())
    return f"{count:,} bytes, about {(count + 3) // 4:,} tokens"


def indented(text):
    return "\n".join("    " + line for line in text.splitlines())


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        steps = [json.loads(line) for line in file if line.strip()]
    server = Server(sys.argv[2:])
    client = {"name": "play", "version": "1"}
    info = server.request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client})
    server.send({"method": "notifications/initialized"})
    tools = server.request("tools/list", {})["tools"]
    listing = json.dumps({"tools": tools}, separators=(",", ":"), ensure_ascii=False)
    name = info["serverInfo"]
    print(f"{name['name']} {name['version']} offers {len(tools)} tools ({size(listing)})")
    failures = []
    for step in steps:
        arguments = json.dumps(step["arguments"], ensure_ascii=False)
        print(f"\n> {step['question']}\n  {step['tool']} {arguments}")
        started = time.monotonic()
        result = server.request("tools/call", {"name": step["tool"], "arguments": step["arguments"]})
        milliseconds = (time.monotonic() - started) * 1000
        text = "\n".join(part["text"] for part in result["content"] if part["type"] == "text")
        print(f"{indented(text)}\n  [{size(text)}, {milliseconds:,.0f} ms]", flush=True)
        if result.get("isError"):
            failures.append(f"{step['tool']} failed")
        elif not text.startswith(step.get("expect", "")):
            failures.append(f"{step['tool']} was not {step['expect']}: {text.splitlines()[0]}")
    server.end()
    for failure in failures:
        print(f"\n{failure}", file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()

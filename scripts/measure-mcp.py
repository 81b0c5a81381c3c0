#!/usr/bin/env python3
"""Measures opamp-mcp as clients feel it: its start, its memory, and what a tool call costs over the bare REST call.

usage: scripts/measure-mcp.py PROGRAM [PROVIDER_URL]

PROGRAM is a release build. With the address of a provider that has at least one agent, calls are measured too: the
tool `find_agent`, and the same request over a connection that is open already. Prints medians; nothing is judged.
"""
import json
import os
import socket
import statistics
import sys
import time
import urllib.parse

STARTS = 100
CALLS = 300
META = {"capabilities": {}, "clientInfo": {"name": "measure", "version": "1"}, "protocolVersion": "2025-11-25"}


class Server:
    def __init__(self, program, *arguments):
        (inner_in, self.input), (self.output, inner_out) = os.pipe(), os.pipe()
        actions = [(os.POSIX_SPAWN_DUP2, inner_in, 0), (os.POSIX_SPAWN_DUP2, inner_out, 1)]
        self.process = os.posix_spawn(program, [program, *arguments], os.environ, file_actions=actions)
        os.close(inner_in)
        os.close(inner_out)
        self.last = 0

    def request(self, method, params):
        self.last += 1
        message = {"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}
        os.write(self.input, json.dumps(message).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            answer += os.read(self.output, 1 << 16)
        return answer

    def memory(self):
        """Resident kilobytes: all of them, and those that belong to no file."""
        with open(f"/proc/{self.process}/status", encoding="ascii") as status:
            fields = dict(line.split(":", 1) for line in status)
        return int(fields["VmRSS"].split()[0]), int(fields["RssAnon"].split()[0])

    def end(self):
        os.close(self.input)
        os.waitpid(self.process, 0)
        os.close(self.output)


def timed(work):
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def measure_start(program):
    times, memory = [], []
    for _ in range(STARTS):
        start = time.perf_counter()
        server = Server(program)
        server.request("initialize", META)
        times.append((time.perf_counter() - start) * 1000)
        memory.append(server.memory())
        server.end()
    resident, anonymous = (statistics.median(column) for column in zip(*memory))
    print(f"start to the answer to initialize: {statistics.median(times):.2f} ms (least {min(times):.2f})")
    print(f"resident after it: {resident / 1024:.1f} MiB, of it without a file {anonymous / 1024:.2f} MiB")


def measure_calls(program, url):
    address = urllib.parse.urlsplit(url)
    connection = socket.create_connection((address.hostname, address.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(path):
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(1 << 16)
        head, body = answer.split(b"\r\n\r\n", 1)
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        while len(body) < int(fields[b"content-length"]):
            body += connection.recv(1 << 16)
        return body

    agent = json.loads(get("/api/v1/agents?limit=1"))["agents"][0]["short_id"]
    path = f"/api/v1/agents/find?q={agent}&limit=5"
    server = Server(program, "--provider", url)
    server.request("initialize", META)
    call = {"name": "find_agent", "arguments": {"query": agent}}
    first = timed(lambda: server.request("tools/call", call))
    rest, tool = [], []
    # By turns, so that both meet the same machine.
    for _ in range(CALLS):
        rest.append(timed(lambda: get(path)))
        tool.append(timed(lambda: server.request("tools/call", call)))
    resident, _ = server.memory()
    server.end()
    print(f"first call, which loads libcurl and connects: {first:.2f} ms")
    for name, pick in ("median", statistics.median), ("least", min):
        with_tool, without = pick(tool), pick(rest)
        print(f"find_agent, {name}: {with_tool:.3f} ms, the REST call alone: {without:.3f} ms, "
              f"added: {with_tool - without:.3f} ms")
    print(f"resident after calls: {resident / 1024:.1f} MiB")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    measure_start(sys.argv[1])
    if len(sys.argv) == 3:
        measure_calls(sys.argv[1], sys.argv[2])


main()

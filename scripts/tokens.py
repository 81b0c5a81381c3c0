#!/usr/bin/env python3
"""Counts the tokens of tools and of the twelve questions for fleets of several sizes.

usage: scripts/tokens.py BIN SIZE...

BIN holds the programs. For each size a provider and a fleet (opamp-sim --seed 1 --unhealthy 2, by HTTP polling) are
started, and the calls of docs/questions.md are made. The figures go to standard output, into docs/questions.md between
its two marks, and as a plot into docs/tokens.svg. Needs tiktoken.
"""
import json
import math
import os
import re
import subprocess
import sys
import time
import urllib.request

import tiktoken

from play import Server

ENCODING = tiktoken.get_encoding("o200k_base")
PAGE, PLOT = "docs/questions.md", "docs/tokens.svg"
BEGIN, END = "<!-- figures: written by scripts/tokens.sh -->", "<!-- end of figures -->"

# The Python project (fluent-opamp, its state of April 2026), measured with the same encoding: its only listing tool by
# the number of agents. Between and beyond these its cost is a straight line.
LISTING = {1: 1_483, 10: 14_779, 100: 147_803, 1_000: 1_477_645}
PER_AGENT = LISTING[1_000] / 1_000
# One agent, found by the filters that the tool has (host name, connection), and the list of commands.
ONE_AGENT, COMMANDS = 1_482, 258

# How a question is answered there: by listing the fleet (True) or not, and besides it with so many tokens; None where
# no tool answers it. Results of its commands are not counted.
THERE = {
    1: (True, 0), 2: (True, 0), 3: (True, 0), 4: (True, 0), 5: (False, ONE_AGENT), 6: (False, 2 * ONE_AGENT),
    7: (False, ONE_AGENT + COMMANDS), 8: None, 9: (False, ONE_AGENT), 10: (False, ONE_AGENT + COMMANDS),
    11: (True, COMMANDS), 12: (True, 0),
}


def tokens(text):
    return len(ENCODING.encode(text, disallowed_special=()))


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def there(size):
    """What listing a fleet costs with the Python project, and whether that was measured."""
    return LISTING.get(size, round(PER_AGENT * size)), size in LISTING


def cost_there(question, size):
    """The tokens of a question with the Python project, and how that is written."""
    if THERE[question] is None:
        return 0, "–"
    is_listed, more = THERE[question]
    cost, is_measured = there(size) if is_listed else (0, True)
    return cost + more, f"{cost + more:,}" + ("" if is_measured else "*")


def listed(measured, size):
    """What all pages of list_agents cost, by the tokens of a row of the first."""
    return round(measured[size][0]["`list_agents`, 20 rows"] * size / min(size, 20))


def questions():
    """Title and calls of each question, in the order of the page."""
    found, is_block = [], False
    for line in open(PAGE, encoding="utf-8"):
        title = re.match(r"## \d+\. (.*)", line)
        if title:
            found.append((title[1], []))
        elif line.startswith("```"):
            is_block = not is_block
        elif is_block and found and re.match(r"[a-z_]+ \{", line):
            found[-1][1].append(line.strip().split(" ", 1))
    return found


class Fleet:
    """A provider with so many agents, two of them silent and one with a configuration that failed."""

    def __init__(self, folder, size):
        self.folder, self.children = os.path.abspath(folder), []
        line = self.start("opamp-provider", "--listen", "127.0.0.1:0", "--in-memory")
        self.url = json.loads(line)["listening"]
        self.fleet(size, 1, "--unhealthy", "2")
        leaving = self.fleet(2, 2)
        leaving.terminate()
        leaving.wait()
        self.wait(lambda: self.get("fleet")["status"]["disconnected"] == 2)
        agents = self.get("agents?limit=1&sort=host&filter=capability%3AAcceptsRemoteConfig%20-host%3Aweb-17")["agents"]
        files = {"files": {"fluent-bit.conf": {"content": "[SERVICE]\n    flush 1\n# sim: fail\n"}}}
        offer = self.request("PUT", f"agents/{agents[0]['instance_uid']}/config", files)
        self.wait(lambda: self.get(f"commands/{offer['id']}")["state"] == "failed")

    def start(self, program, *arguments):
        command = [f"{self.folder}/{program}", *arguments, "--log-level", "error"]
        self.children.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        return self.children[-1].stdout.readline()

    def fleet(self, size, seed, *flags):
        # Polling needs no socket per agent; the pause grows with the fleet, so that reports do not pile up.
        heartbeat = str(max(5, size // 1_000))
        line = self.start(
            "opamp-sim", "--url", self.url + "/v1/opamp", "--agents", str(size), "--seed", str(seed),
            "--heartbeat", heartbeat, *flags)
        while line and json.loads(line) != {"connected": size}:
            line = self.children[-1].stdout.readline()
        return self.children[-1]

    def request(self, method, path, body=None):
        data = body and json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", data, method=method)
        request.add_header("Content-Type", "application/json")
        return json.load(urllib.request.urlopen(request, timeout=60))

    def get(self, path):
        return self.request("GET", path)

    @staticmethod
    def wait(is_so, seconds=300):
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                sys.exit("the fleet did not come into its state in time")
            time.sleep(0.1)

    def server(self, *flags):
        server = Server([f"{self.folder}/opamp-mcp", "--provider", self.url, *flags])
        client = {"name": "tokens", "version": "1"}
        info = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
        server.instructions = server.request("initialize", info)["instructions"]
        server.send({"method": "notifications/initialized"})
        return server

    def end(self):
        for child in reversed(self.children):
            child.terminate()
            child.wait()


def ask(server, calls):
    """The tokens of the calls of one question and of their answers."""
    cost, answer = 0, ""
    for tool, arguments in calls:
        plan = re.search(r'plan="?(\w{10})', answer)
        count = re.search(r"expected_count=(\d+)", answer)
        if "PLAN" in arguments:
            # In a small fleet there may be nobody to plan for; the answer that says so has been counted.
            if not plan or not count:
                break
            arguments = arguments.replace("PLAN", plan[1]).replace("COUNT", count[1])
        result = server.request("tools/call", {"name": tool, "arguments": json.loads(arguments)})
        answer = "\n".join(part["text"] for part in result["content"])
        if result.get("isError"):
            print(f"{tool} {arguments}: {answer}", file=sys.stderr)
        cost += tokens(compact({"name": tool, "arguments": json.loads(arguments)})) + tokens(answer)
    return cost


def measure(folder, size, asked):
    fleet = Fleet(folder, size)
    try:
        server = fleet.server()
        single = {
            "`fleet_summary`": [["fleet_summary", "{}"]], "`find_agent`, one hit": [["find_agent", '{"query":"web-17"}']],
            "`get_agent`": [["get_agent", '{"agent":"web-17"}']], "`list_agents`, 20 rows": [["list_agents", "{}"]],
        }
        answers = {name: ask(server, calls) for name, calls in single.items()}
        costs = [ask(server, calls) for _, calls in asked]
        server.end()
        return answers, costs
    finally:
        fleet.end()


def listings(folder):
    """The tokens of tools/list, of all tools and of those that only read, and of the instructions."""
    found = {}
    for name, flags in [("all", []), ("read-only", ["--read-only"])]:
        server = Server([f"{folder}/opamp-mcp", "--provider", "http://127.0.0.1:9", *flags])
        info = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "tokens", "version": "1"}}
        instructions = server.request("initialize", info)["instructions"]
        tools = server.request("tools/list", {})["tools"]
        found[name] = (len(tools), tokens(compact({"tools": tools})))
        found["instructions"] = tokens(instructions)
        server.end()
    return found


def table(rows):
    head, *rest = [[str(cell) for cell in row] for row in rows]
    lines = ["| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rest])


def page(sizes, asked, lists, measured):
    """The figures of the page."""
    number = "{:,}".format
    heads = [f"{number(size)} agents" for size in sizes]
    blocks = [
        f"`tools/list` costs {number(lists['all'][1])} tokens for all {lists['all'][0]} tools and "
        f"{number(lists['read-only'][1])} for the {lists['read-only'][0]} of `--read-only`; the instructions cost "
        f"{lists['instructions']}. The Python project's list costs 583 for 4 tools.",
        "What a call and its answer cost:",
        table([["", *heads]] + [
            [name, *(number(measured[size][0][name]) for size in sizes)] for name in measured[sizes[0]][0]]),
        "What each question costs, calls and answers together, and beside it what the answers of the Python project's "
        "tools cost: its list of the fleet, or of one agent by its host name:",
    ]
    rows = [["Question"] + [f"{head}{kind}" for head in heads for kind in ("", ", Python")]]
    for index, (title, _) in enumerate(asked):
        row = [title]
        for size in sizes:
            row.append(number(measured[size][1][index]))
            row.append(cost_there(index + 1, size)[1])
        rows.append(row)
    total = ["All"]
    for size in sizes:
        sum_there = sum(cost_there(question, size)[0] for question in THERE)
        total += [f"**{number(sum(measured[size][1]))}**", number(sum_there) + ("" if there(size)[1] else "*")]
    rows.append(total)
    blocks += [
        table(rows), "`*` is computed, at 1,477.6 tokens an agent; up to 1,000 agents the list was measured. "
        "`–`: no tool of it answers that."]
    largest = sizes[-1]
    find, whole, mark = measured[largest][1][4], listed(measured, largest), "" if there(largest)[1] else " (computed)"
    blocks.append(
        f"Finding one host among {number(largest)} and telling its fault costs {number(find)} tokens with `find_agent` "
        f"and `get_agent`. Reading all pages of `list_agents` for it would cost some {number(whole)} (computed from the "
        f"first page), {round(whole / find):,} times as much, and the Python project's list "
        f"{number(there(largest)[0])}{mark}, {round(there(largest)[0] / find):,} times as much; its filter by host name "
        f"{number(ONE_AGENT)}.")
    blocks.append("![Tokens against fleet size](tokens.svg)")
    return "\n\n".join(blocks)


def plot(sizes, measured):
    """Both axes are logarithmic. Points are measured, a dashed line is computed."""
    width, height, left, right, top, bottom = 720, 420, 80, 200, 30, 50
    largest = max(max(sizes), 100_000)
    powers = range(2, math.ceil(math.log10(there(largest)[0])) + 1)

    def x(size):
        return left + (width - left - right) * math.log10(size) / math.log10(largest)

    def y(count):
        share = (math.log10(count) - powers[0]) / (powers[-1] - powers[0])
        return height - bottom - (height - top - bottom) * share

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{left}" y="18" font-weight="bold">Tokens (o200k) against fleet size</text>',
    ]
    for power in powers:
        parts.append(f'<path d="M{left} {y(10 ** power):.1f}H{width - right}" stroke="#dddddd"/>')
        parts.append(f'<text x="{left - 8}" y="{y(10 ** power) + 4:.1f}" text-anchor="end">{10 ** power:,}</text>')
    for power in range(0, round(math.log10(largest)) + 1):
        parts.append(f'<text x="{x(10 ** power):.1f}" y="{height - bottom + 20}" text-anchor="middle">{10 ** power:,}</text>')
    parts.append(f'<text x="{(left + width - right) / 2}" y="{height - 8}" text-anchor="middle">agents</text>')

    def series(name, color, points, dashed=()):
        if points:
            solid = " ".join(f"{x(size):.1f},{y(count):.1f}" for size, count in points)
            parts.append(f'<polyline points="{solid}" fill="none" stroke="{color}" stroke-width="2"/>')
        for size, count in points:
            parts.append(f'<circle cx="{x(size):.1f}" cy="{y(count):.1f}" r="3.5" fill="{color}"/>')
        if dashed:
            line = " ".join(f"{x(size):.1f},{y(count):.1f}" for size, count in [*points[-1:], *dashed])
            parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2" stroke-dasharray="5 4"/>')
        end = (list(dashed) or list(points))[-1]
        parts.append(f'<text x="{x(end[0]) + 8:.1f}" y="{y(end[1]) + 4:.1f}" fill="{color}">{name}</text>')

    series("Python project: one list", "#b3261e", sorted(LISTING.items()), [(largest, there(largest)[0])])
    series("list_agents, all pages", "#7a5cc0", [], [(size, listed(measured, size)) for size in sizes])
    series("all twelve questions", "#1a56a0", [(size, sum(measured[size][1])) for size in sizes])
    series("one host and its fault", "#1b7f3b", [(size, measured[size][1][4]) for size in sizes])
    return "\n".join(parts + ["</svg>", ""])


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    folder, sizes = sys.argv[1], sorted({int(size) for text in sys.argv[2:] for size in text.split()})
    asked = questions()
    lists = listings(folder)
    measured = {}
    for size in sizes:
        measured[size] = measure(folder, size, asked)
        print(f"{size:,} agents: {sum(measured[size][1]):,} tokens for {len(asked)} questions", file=sys.stderr)
    figures = page(sizes, asked, lists, measured)
    print(figures)
    with open(PAGE, encoding="utf-8") as file:
        before, rest = file.read().split(BEGIN)
    after = rest.split(END)[1]
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n\n{figures}\n\n{END}{after}")
    with open(PLOT, "w", encoding="utf-8") as file:
        file.write(plot(sizes, measured))


if __name__ == "__main__":
    main()

"""Asks a provider for its OpenAPI document, and finds out whether the provider keeps to it.

usage: check_openapi.py URL FOLDER NAME=TOKEN...

Validates the document, then has schemathesis send what it makes of it: with each token in turn, from least to most
allowed, or without any. Writes only into FOLDER, which exists. Exits with 1 when something is wrong, and says what.
"""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from openapi_spec_validator import validate

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
]
# What random texts would hardly ever hit.
COMMANDS = ["identify", "resync", "restart", "chatops", "custom", "nullcommand", "shutdown"]
FILTERS = ["health:healthy", "type:fluent-bit host:web-*", "-status:stale", "label.env:prod|staging", "OR"]
REFERENCES = ["web-01", "edge-iad-101", "fluent-bit-db-01", "abcdef"]


def ask(url, token, method="GET", body=None):
    """The answer of one request as JSON."""
    request = urllib.request.Request(url, method=method, data=json.dumps(body).encode() if body is not None else None)
    if body is not None:
        request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def settings(url, token):
    """The configuration of schemathesis, with things that are there."""
    api = f"{url}/api/v1"
    order = {"filter": "host:web-*", "command": "resync"}
    plan = ask(f"{api}/operations", token, "POST", order | {"dry_run": True})
    operation = ask(f"{api}/operations", token, "POST", order | {"digest": plan["digest"]})
    # Not before the operation: with another uid the agent is another target than was planned.
    command = ask(f"{api}/agents/web-01/commands", token, "POST", {"command": "identify"})
    ask(f"{api}/agents/web-01/config", token, "PUT", {"files": {"a.conf": {"content": "[SERVICE]\n"}}})
    enrolment = ask(f"{api}/enrolments", token, "POST", {"name": "rack-7", "uses": 5})
    values = {
        "path.ref": REFERENCES,
        "path.id": [command["id"], operation["id"], enrolment["id"]],
        "path.number": [1, 2],
        "query.agent": REFERENCES,
        "query.filter": FILTERS,
        "body.command": COMMANDS,
        "body.filter": FILTERS,
        "body.agent": REFERENCES,
    }
    # PUT and POST are tried too, it means, and finds 415 where there is no such method: whether a request is JSON is
    # decided before its path is looked at, and these have no body. Tests of the provider try them with one.
    text = "[phases.coverage]\nunexpected-methods = [\"DELETE\", \"TRACE\"]\n"
    # Never waits: a request that does takes up to 45 seconds.
    text += "[parameters]\n\"query.wait_seconds\" = 0\n"
    for index, name in enumerate(values):
        text += f'"{name}" = {{ dictionary = "d{index}", probability = 0.8 }}\n'
    for index, entries in enumerate(values.values()):
        text += f"[dictionaries.d{index}]\nvalues = {json.dumps(entries)}\n"
    return text


def main():
    url, folder = sys.argv[1], Path(sys.argv[2])
    tokens = [argument.split("=", 1) for argument in sys.argv[3:]] or [("nobody", "")]
    document = ask(f"{url}/api/v1/openapi.json", tokens[-1][1])
    validate(document)
    print(f"valid: {len(document['paths'])} paths", flush=True)
    (folder / "openapi.json").write_text(json.dumps(document))
    (folder / "schemathesis.toml").write_text(settings(url, tokens[-1][1]))
    for name, token in tokens:
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run", "openapi.json"]
        # Who may do less is refused most of it, which a few requests to each path show.
        phases, examples = ("examples,coverage,fuzzing,stateful", "20") if name == tokens[-1][0] else ("examples,fuzzing", "5")
        command += ["--url", url, "--phases", phases, "--max-examples", examples, "--generation-deterministic"]
        command += ["--no-shrink", "--continue-on-failure", "--workers", "1", "--request-timeout", "20", "--no-color"]
        # An answer without an end.
        command += ["--exclude-path", "/api/v1/events/stream", "--suppress-health-check", "all", "--warnings", "off"]
        command += ["--checks", ",".join(CHECKS)]
        if token:
            command += ["--header", f"Authorization: Bearer {token}"]
        result = subprocess.run(command, cwd=folder, env=os.environ | {"NO_COLOR": "1"}, capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(f"as {name}: {' '.join(command)}\n{result.stdout}\n{result.stderr}")
        print(f"kept as {name}: {result.stdout.strip().splitlines()[-1].strip('= ')}", flush=True)


main()

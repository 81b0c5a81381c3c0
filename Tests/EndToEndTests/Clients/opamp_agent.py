#!/usr/bin/env python3
"""An agent over plain HTTP, made of the PyPI OpAMP client; says goodbye at the end of its input.

usage: opamp_agent.py URL [enrol]

With `enrol` it first exchanges the enrolment token in the environment variable TOKEN for one of its own. Prints `connected` once its first report was answered, and every error that the server answers.
"""
import json
import os
import sys
import urllib.request

from opentelemetry._opamp.agent import OpAMPAgent
from opentelemetry._opamp.callbacks import OpAMPCallbacks
from opentelemetry._opamp.client import OpAMPClient


class Callbacks(OpAMPCallbacks):
    is_connected = False

    def on_connect(self, agent, client):
        if not self.is_connected:
            self.is_connected = True
            print("connected", flush=True)

    def on_connect_failed(self, agent, client, error):
        print(f"failed: {error}", flush=True)

    def on_error(self, agent, client, error_response):
        print(f"error: {error_response}", flush=True)


def enrolled(url, uid):
    """The headers of an agent that has exchanged its enrolment token."""
    body = json.dumps({"instance_uid": uid.hex()}).encode()
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/enrol", body, headers), timeout=10) as answer:
        return {"Authorization": f"Bearer {json.load(answer)['token']}"}


client = OpAMPClient(
    endpoint=sys.argv[1],
    agent_identifying_attributes={"service.name": "python-app", "service.version": "1.2.3"},
    agent_non_identifying_attributes={"host.name": "python-host"},
    timeout_millis=10_000,
)
if sys.argv[2:] == ["enrol"]:
    # It takes headers only before it has chosen its uid.
    client._headers.update(enrolled(sys.argv[1], client._instance_uid))
agent = OpAMPAgent(interval=0.2, callbacks=Callbacks(), client=client)
agent.start()
sys.stdin.read()
agent.stop()
print("stopped", flush=True)

#!/usr/bin/env python3
"""Drives an MCP server with clients from PyPI: lists the tools and makes calls.

usage: drive_mcp.py MODE ANSWER CALLS COMMAND [ARGUMENT...]

MODE is `auto`, `legacy` or a revision for the client mcp, `fastmcp` for the other one. ANSWER is what a person says
when the server asks: `accept`, `decline` or `cancel`; with `none` nobody can be asked. CALLS is a JSON array of
[tool, arguments]. Prints one JSON object a line: the protocol version and the names of the tools, then each call with
its text, what was asked of a person, and how often progress was told.
"""
import json
import sys

import anyio
from mcp import Client, StdioServerParameters
from mcp_types import ElicitResult

asked = []
progress = []


async def told(done, total=None, message=None):
    if progress and done <= progress[-1]:
        sys.exit(f"progress went from {progress[-1]} to {done}")
    progress.append(done)


def tell(line):
    print(json.dumps(line), flush=True)


async def play(client, call, protocol, calls):
    tell({"protocol": protocol, "tools": await call.tools()})
    for tool, arguments in calls:
        progress.clear()
        asked.clear()
        try:
            text, is_error = await call(tool, arguments)
        except Exception as error:
            text, is_error = f"raised {type(error).__name__}: {error}", True
        tell({"tool": tool, "text": text, "error": is_error, "asked": list(asked), "progress": len(progress)})


class MCPCalls:
    def __init__(self, client):
        self.client = client

    async def tools(self):
        return [tool.name for tool in (await self.client.list_tools()).tools]

    async def __call__(self, tool, arguments):
        result = await self.client.call_tool(tool, arguments, progress_callback=told)
        return "".join(part.text for part in result.content), bool(result.is_error)


class FastMCPCalls:
    def __init__(self, client):
        self.client = client

    async def tools(self):
        return [tool.name for tool in await self.client.list_tools()]

    async def __call__(self, tool, arguments):
        result = await self.client.call_tool(tool, arguments, progress_handler=told, raise_on_error=False)
        return "".join(part.text for part in result.content), bool(result.is_error)


async def main(mode, answer, calls, command):
    if mode == "fastmcp":
        from fastmcp import Client as FastMCPClient
        from fastmcp.client.elicitation import ElicitResult as FastElicitResult
        from fastmcp.client.transports import StdioTransport

        async def handler(message, response_type, params, context):
            asked.append(message)
            return FastElicitResult(action=answer, content={} if answer == "accept" else None)

        transport = StdioTransport(command=command[0], args=command[1:])
        handlers = {} if answer == "none" else {"elicitation_handler": handler}
        async with FastMCPClient(transport, **handlers) as client:
            await play(client, FastMCPCalls(client), "fastmcp", calls)
        return

    async def callback(context, params):
        asked.append(params.message)
        return ElicitResult(action=answer, content={} if answer == "accept" else None)

    parameters = StdioServerParameters(command=command[0], args=command[1:])
    async with Client(
        parameters, mode=mode, elicitation_callback=None if answer == "none" else callback
    ) as client:
        await play(client, MCPCalls(client), client.protocol_version, calls)


anyio.run(main, sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), sys.argv[4:])

#!/usr/bin/env python3
"""Drives an MCP server with the PyPI client: lists the tools and makes calls.

usage: drive_mcp.py MODE CALLS COMMAND [ARGUMENT...]

MODE is `auto` or `legacy`, CALLS a JSON array of [tool, arguments]. Prints one JSON object a line: the protocol version
and the names of the tools, then each call with its text.
"""
import json
import sys

import anyio
from mcp import Client, StdioServerParameters


async def main(mode, calls, command):
    async with Client(StdioServerParameters(command=command[0], args=command[1:]), mode=mode) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        print(json.dumps({"protocol": client.protocol_version, "tools": tools}), flush=True)
        for tool, arguments in calls:
            result = await client.call_tool(tool, arguments)
            text = "".join(part.text for part in result.content)
            print(json.dumps({"tool": tool, "text": text, "error": bool(result.is_error)}), flush=True)


anyio.run(main, sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:])

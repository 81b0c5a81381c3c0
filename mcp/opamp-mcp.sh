#!/usr/bin/env bash
# Runs opamp-mcp, built when needed; with OPAMP_MCP the program that this variable names.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

program=${OPAMP_MCP-}
if [ -z "$program" ]; then
    "$root/scripts/install.sh" >&2
    swift build --package-path "$root" -c release --product opamp-mcp >&2
    program=$(swift build --package-path "$root" -c release --show-bin-path)/opamp-mcp
fi
exec "$program" "$@"

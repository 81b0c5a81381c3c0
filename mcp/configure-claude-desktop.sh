#!/usr/bin/env bash
# Connects Claude Desktop to a fleet: opamp-mcp configure claude-desktop, with the program built when needed.
# Flags are passed on: --provider URL, --token-file FILE, --read-only, --dry-run, --remove and others of opamp-mcp --help.
set -euo pipefail
exec "$(dirname "$0")/opamp-mcp.sh" configure claude-desktop "$@"

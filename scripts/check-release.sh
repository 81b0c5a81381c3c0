#!/usr/bin/env bash
# Builds opamp-mcp as it is shipped and checks that it needs no Swift runtime, Foundation or libcurl to start, and
# that it answers on a pipe.
set -euo pipefail
cd "$(dirname "$0")/.."

swift build -c release --product opamp-mcp
program=$(swift build -c release --show-bin-path)/opamp-mcp

libraries=$(ldd "$program")
if grep -E 'libFoundation|lib_Foundation|libswift|libcurl|libstdc' <<<"$libraries"; then
    echo "$program must not need these at its start" >&2
    exit 1
fi

# Nobody listens at port 1: listing the tools must not need a provider.
answers=$("$program" --provider http://127.0.0.1:1 <examples/handshake.jsonl)
expect() {
    grep -qF -- "$1" <<<"$answers" || {
        printf 'The answers of %s lack %s:\n%s\n' "$program" "$1" "$answers" >&2
        exit 1
    }
}
[ "$(wc -l <<<"$answers")" = "$(grep -c '"id"' examples/handshake.jsonl)" ] || expect "one answer per request"
expect '"protocolVersion":"2025-11-25"'
expect '"name":"restart_agent"'
expect '"id":"ping"'
expect 'opamp-provider'

# The scripts that connect clients find the program that was built, and need no home for another file.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
./mcp/configure-codex.sh --file "$scratch/config.toml"
grep -qF "command = \"$(realpath "$program")\"" "$scratch/config.toml" || {
    echo "mcp/configure-codex.sh must write the path of $program" >&2
    exit 1
}
./mcp/make-bundle.sh "$scratch/opamp-mcp.mcpb"

# The README's table names the tools that there are, in their order.
diff <("$program" tools | cut -f 1) <(grep -oE '^\| `[a-z]+_[a-z_]+` \|' README.md | tr -d '|` ') || {
    echo "README.md must list the tools of opamp-mcp" >&2
    exit 1
}
echo "opamp-mcp: $(stat -c %s "$program") bytes, starts without Foundation, Swift runtime and libcurl, and answers"

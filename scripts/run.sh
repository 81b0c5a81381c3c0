#!/usr/bin/env bash
# Builds everything, starts a provider and a simulated fleet, and plays a first conversation through the MCP server.
# Then the fleet stays up until Ctrl-C; with --once all is stopped at once. Exits with 1 when the restart that the
# conversation asks for was not confirmed by the agent.
set -euo pipefail
cd "$(dirname "$0")/.."

once=no
case "${1-}" in
    "") ;;
    --once) once=yes ;;
    *)
        echo "usage: scripts/run.sh [--once]" >&2
        exit 64
        ;;
esac

step() { printf '\n== %s\n' "$1"; }

step "Install"
./scripts/install.sh

step "Build (some minutes the first time)"
for product in opamp-mcp opamp-provider opamp-sim; do
    swift build -c release --product "$product"
done
bin=$(swift build -c release --show-bin-path)

# One run's data and logs are its own with --once; otherwise the fleet is there again the next time.
if [ "$once" = yes ]; then
    work=$(mktemp -d)
    listen=127.0.0.1:0
else
    work=$PWD/.build-run
    mkdir -p "$work"
    listen=127.0.0.1:8080
    if (exec 3<>/dev/tcp/127.0.0.1/8080) 2>/dev/null; then
        echo "Port 8080 is taken; the provider chooses another."
        listen=127.0.0.1:0
    fi
fi

is_up=no
children=()
stop() {
    local status=$? child
    trap - EXIT
    trap '' INT TERM
    for child in "${children[@]}"; do
        kill -TERM "$child" 2>/dev/null || continue
        timeout 20 tail --pid="$child" -f /dev/null || kill -KILL "$child" 2>/dev/null || true
    done
    if [ "$status" != 0 ]; then
        for log in "$work"/*.log; do
            [ ! -s "$log" ] || printf '\n%s ends with:\n%s\n' "$log" "$(tail -n 20 "$log")" >&2
        done
    elif [ "$once" = yes ]; then
        rm -rf "$work"
    fi
    exit "$status"
}
trap stop EXIT
# Ctrl-C is how a fleet that is up is meant to end.
trap '[ "$is_up" = yes ] && exit 0 || exit 130' INT TERM

# Starts a program and waits for the first line it prints, which is left in `line`.
start() {
    local name=$1 pipe
    shift
    rm -f "$work/$name.out"
    mkfifo "$work/$name.out"
    "$@" >"$work/$name.out" 2>"$work/$name.log" &
    # The fleet is stopped before its provider, so that its agents can say goodbye.
    children=("$!" "${children[@]}")
    exec {pipe}<"$work/$name.out"
    read -r -t 60 line <&"$pipe" || {
        echo "$name did not start" >&2
        exit 1
    }
}

step "Start"
start provider ./scripts/run_opamp_server.sh --listen "$listen" --data-dir "$work/data"
OPAMP_SERVER_URL=$(sed -n 's/.*"listening" *: *"\([^"]*\)".*/\1/p' <<<"$line")
[ -n "$OPAMP_SERVER_URL" ] || {
    echo "opamp-provider said: $line" >&2
    exit 1
}
export OPAMP_SERVER_URL PATH="$bin:$PATH"
echo "opamp-provider listens at $OPAMP_SERVER_URL"
start fleet opamp-sim --url "ws${OPAMP_SERVER_URL#http}/v1/opamp" --agents 50 --unhealthy 10 --heartbeat 10
echo "opamp-sim runs a fleet: $line"

step "A first conversation"
python3 scripts/play.py examples/first-conversation.jsonl opamp-mcp
printf '\nThe restart of web-17 was confirmed by the agent: it reported another start time.\n'

step "Connect Claude Desktop"
echo "$bin/opamp-mcp --provider $OPAMP_SERVER_URL configure claude-desktop"
echo "or by hand:"
opamp-mcp print-config claude-desktop 2>&1
step "Connect Codex"
echo "$bin/opamp-mcp --provider $OPAMP_SERVER_URL configure codex"
echo "or by hand:"
opamp-mcp print-config codex 2>&1
step "Or ask from the shell"
echo "$bin/opamp-mcp --provider $OPAMP_SERVER_URL call fleet_summary"
opamp-mcp call fleet_summary

if [ "$once" = yes ]; then
    step "Stop"
    exit 0
fi

printf '\nThe fleet stays up; its logs are in %s. Ctrl-C stops it.\n' "$work"
is_up=yes
wait -n || true
echo "One of the programs ended by itself." >&2
exit 1

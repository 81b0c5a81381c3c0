#!/usr/bin/env bash
# Kills the provider at random moments under load, many times, and checks that nothing acknowledged was lost.
# usage: scripts/fault.sh [rounds] [seed]   (200 rounds; without a seed one is chosen and printed)
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-200}
seed=${2:-}
case "$rounds$seed" in
    *[!0-9]* | "")
        echo "usage: scripts/fault.sh [rounds] [seed]" >&2
        exit 64
        ;;
esac

export FAULT_ROUNDS=$rounds
[ -z "$seed" ] || export TEST_SEED=$seed
# Without the crash reporter: it would keep pipes of killed programs open.
export SWIFT_BACKTRACE=enable=no
exec swift test --disable-xctest --filter FaultTests

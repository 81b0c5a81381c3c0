#!/usr/bin/env bash
# Runs the provider, built when needed. Flags are passed on; data is kept in .build-run/data unless they say otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."

./scripts/install.sh >&2
swift build -c release --product opamp-provider >&2
program=$(swift build -c release --show-bin-path)/opamp-provider
case " $* " in
    *" --data-dir"* | *" --in-memory "* | *" --help "* | *" --version "*) exec "$program" "$@" ;;
esac
mkdir -p .build-run/data
exec "$program" --data-dir .build-run/data "$@"

#!/usr/bin/env bash
# Everything that must hold: format, checks, generated files, the shipped binary, all tests, and what
# docs/CONFORMANCE.md says of them. CI runs this.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$1"; }

step "Install"
./scripts/install.sh --tests

step "Format and checks"
swift format lint -r --strict Sources Tests Package.swift
./scripts/check.sh
./scripts/generate-opamp.sh --check

step "Build"
swift build --build-tests

step "Release build of opamp-mcp"
./scripts/check-release.sh

step "Tests"
# Without the crash reporter: it would keep pipes of killed programs open.
export SWIFT_BACKTRACE=enable=no
# All at one time they would wait for each other, and then for time limits.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=12
log=.build/test.log
swift test --skip-build --disable-xctest 2>&1 | tee "$log" || {
    # What failed and why, once more together, and the summary.
    awk '/^(✘|✔|◇)/ { shown = /^✘/ ? 60 : 0 } shown-- > 0' "$log"
    exit 1
}
# Silent unless a row is wrong, so that the summary of the tests stays the last line.
./scripts/check-conformance.py "$log"

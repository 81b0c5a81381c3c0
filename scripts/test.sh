#!/usr/bin/env bash
# Everything that must hold: format, checks, generated files, the shipped binary, all tests. CI runs this.
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
exec swift test --skip-build --disable-xctest

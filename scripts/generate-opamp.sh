#!/usr/bin/env bash
# Writes Sources/OpAMP/Generated from proto/. With --check it changes nothing and fails when the committed files differ.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    echo "usage: scripts/generate-opamp.sh [--check]" >&2
    exit 64
}

check=no
case "${1-}" in
    "") ;;
    --check) check=yes ;;
    *) usage ;;
esac
[ $# -le 1 ] || usage

if ! command -v protoc >/dev/null; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -q
    $sudo apt-get install -y -q protobuf-compiler
fi

# The generator comes from the very version of swift-protobuf that the package uses. As a build plugin it would
# compile protoc too, so it is built apart, once.
[ -d .build/checkouts/swift-protobuf ] || swift package resolve
version=$(git -C .build/checkouts/swift-protobuf rev-parse --short=12 HEAD)
scratch=.build/protoc-gen-swift-$version
if [ ! -x "$scratch/release/protoc-gen-swift" ]; then
    swift build -c release --package-path .build/checkouts/swift-protobuf --scratch-path "$scratch" \
        --product protoc-gen-swift
fi

output=$(mktemp -d)
trap 'rm -rf "$output"' EXIT
protoc --proto_path=proto --plugin="protoc-gen-swift=$scratch/release/protoc-gen-swift" \
    --swift_out="$output" --swift_opt=Visibility=Package,UseAccessLevelOnImports=true,FileNaming=DropPath \
    opamp/v1/anyvalue.proto opamp/v1/opamp.proto

if [ "$check" = yes ]; then
    diff -ru Sources/OpAMP/Generated "$output" || {
        echo "Sources/OpAMP/Generated differs from proto/; run scripts/generate-opamp.sh" >&2
        exit 1
    }
else
    mkdir -p Sources/OpAMP/Generated
    cp "$output"/*.swift Sources/OpAMP/Generated/
fi

#!/usr/bin/env bash
# Installs what building needs; with --tests also the Python clients that tests drive the programs with.
# Safe to repeat: what is there is left alone. Asks for sudo only when something is missing and you are not root.
set -euo pipefail
cd "$(dirname "$0")/.."

tests=no
case "${1-}" in
    "") ;;
    --tests) tests=yes ;;
    *)
        echo "usage: scripts/install.sh [--tests]" >&2
        exit 64
        ;;
esac

refuse_toolchain() {
    echo "$1A Swift toolchain of version 6.2 or later must be on the PATH." >&2
    echo "Get one at https://www.swift.org/install/ and run this again." >&2
    exit 1
}
command -v swift >/dev/null || refuse_toolchain ""

packages=(ca-certificates g++ git libcurl4-openssl-dev libjansson-dev libsqlite3-dev pkg-config python3 zlib1g-dev)
[ "$tests" = no ] || packages+=(openssl protobuf-compiler python3-venv)

is_installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
if command -v apt-get >/dev/null; then
    for package in "${packages[@]}"; do
        is_installed "$package" || missing+=("$package")
    done
else
    echo "No apt-get here; on another system install the counterparts of: ${packages[*]}" >&2
fi
if [ ${#missing[@]} -gt 0 ]; then
    echo "Installing ${missing[*]}"
    sudo=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || {
            echo "Neither root nor sudo. As root, run: apt-get install ${missing[*]}" >&2
            exit 1
        }
        sudo=(sudo)
    fi
    "${sudo[@]}" apt-get update -q
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
fi

version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1) || true
[ "$(printf '%s\n' 6.2 "$version" | sort -V | head -n 1)" = 6.2 ] || refuse_toolchain "This is Swift ${version:-?}. "

if [ "$tests" = yes ] && ! cmp -s Tests/requirements.txt .build-venv/installed.txt; then
    echo "Installing the Python clients for tests in .build-venv"
    rm -rf .build-venv
    python3 -m venv .build-venv
    .build-venv/bin/python -m pip install -q --disable-pip-version-check -r Tests/requirements.txt
    cp Tests/requirements.txt .build-venv/installed.txt
fi

#!/usr/bin/env bash
# Quick checks of what compilers do not see: layout, imports, links between documents, commands in the README.
set -euo pipefail
cd "$(dirname "$0")/.."

failed=no
fail() {
    echo "$1" >&2
    failed=yes
}

documents() {
    git ls-files --cached --others --exclude-standard '*.md'
}

# The MCP server starts in milliseconds because nothing below it imports Foundation.
check_imports() {
    local folders=(CCurl CJansson JSON HTTP MCP FleetAPI FleetClient FleetTools ClientSetup opamp-mcp)
    local found
    found=$(grep -rnE --include='*.swift' '^[^/]*\bimport +([a-z]+ +)?(Foundation[A-Za-z]*|ArgumentParser)\b' \
        "${folders[@]/#/Sources/}") || true
    [ -z "$found" ] || fail "These must do without Foundation and argument parser:
$found"
}

check_links() {
    local document link target
    while read -r document; do
        while read -r link; do
            target=${link%%#*}
            [ -n "$target" ] || continue
            [ -e "$(dirname "$document")/$target" ] || fail "$document links to $link, which is not there"
        done < <(sed -e '/^```/,/^```/d' "$document" | grep -oE '\]\([^) ]+\)' | sed -e 's/^](//' -e 's/)$//' \
            | grep -vE '^(https?|mailto):')
    done < <(documents)
}

# Paths in backticks that look like files of this tree must exist.
check_paths() {
    local document path
    while read -r document; do
        while read -r path; do
            [ -e "$path" ] || fail "$document names $path, which is not there"
        done < <(sed -e '/^```/,/^```/d' "$document" \
            | grep -oE '`(Sources|Tests|scripts|examples|proto|mcp|docs)/[A-Za-z0-9_+./-]+`' | tr -d '`' | sort -u)
    done < <(documents)
}

# A command that the README shows is one that a script or a test runs.
check_commands() {
    local command program
    while read -r command; do
        program=${command%% *}
        case "$program" in
            ./scripts/* | ./mcp/*) [ -x "$program" ] || fail "README.md shows $command, which cannot be run" ;;
            .build/release/*) ;;
            *) fail "README.md shows $command, which nothing runs" ;;
        esac
        grep -rqF -- "${command#.build/release/}" .ci scripts Tests --include=run --include='*.sh' --include='*.swift' \
            || fail "README.md shows $command, which neither CI nor a test runs"
    done < <(sed -n '/^```sh$/,/^```$/p' README.md | grep -v '^```' | sed -e 's/ *#.*//' | grep .)
}

check_imports
check_links
check_paths
check_commands
[ "$failed" = no ]

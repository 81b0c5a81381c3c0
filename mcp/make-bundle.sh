#!/usr/bin/env bash
# Makes a bundle that Claude Desktop installs with a click: the program of this machine and mcp/manifest.json, zipped.
# usage: mcp/make-bundle.sh [FILE]   (.build/opamp-mcp.mcpb)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
bundle=${1-$root/.build/opamp-mcp.mcpb}

"$root/mcp/opamp-mcp.sh" --version >/dev/null
program=${OPAMP_MCP:-$(swift build --package-path "$root" -c release --show-bin-path)/opamp-mcp}
python3 - "$bundle" "$root/mcp/manifest.json" "$program" "$root/LICENSE" <<'END'
import sys
import zipfile

bundle, manifest, program, license = sys.argv[1:]
with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
    for path, name, mode in [(manifest, "manifest.json", 0o644), (program, "server/opamp-mcp", 0o755), (license, "LICENSE", 0o644)]:
        # No times of this machine, so that the same files make the same bundle.
        entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        entry.external_attr = (0o100000 | mode) << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        with open(path, "rb") as file:
            archive.writestr(entry, file.read())
END
echo "$bundle"

#!/usr/bin/env bash
# Measures what tools and questions cost in tokens as the fleet grows, and writes it into docs/questions.md and
# docs/tokens.svg. Counts with OpenAI's o200k encoding. Takes fleet sizes; 10, 1,000 and 100,000 unless told otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."

./scripts/install.sh
venv=.build-tokens
if [ ! -e "$venv/encodings" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check tiktoken==0.12.0
    # This wheel holds the encodings, so that counting needs no network.
    "$venv/bin/python" -m pip download -q --disable-pip-version-check --no-deps litellm==1.60.2 -d "$venv/wheels"
    "$venv/bin/python" -m zipfile -e "$venv"/wheels/litellm-*.whl "$venv/unpacked"
    mv "$venv/unpacked/litellm/litellm_core_utils/tokenizers" "$venv/encodings"
    rm -rf "$venv/unpacked" "$venv/wheels"
fi
for product in opamp-mcp opamp-provider opamp-sim; do
    swift build -c release --product "$product"
done
TIKTOKEN_CACHE_DIR=$PWD/$venv/encodings exec "$venv/bin/python" scripts/tokens.py \
    "$(swift build -c release --show-bin-path)" "${@:-10 1000 100000}"

#!/bin/sh
# Frames per second of other programs on the same frames, one JSON object per line: run.sh [FRAMES] [VENV].
# FRAMES holds one book frame per line, the snapshot first. With CST=path/to/cst our own figure follows.
set -eu
export PYTHONDONTWRITEBYTECODE=1
here=$(cd "$(dirname "$0")" && pwd)
frames=${1:-"$here/../data/book_btc_usd_depth10.jsonl"}
venv=$("$here/venv.sh" "${2:-$here/../../target/peers-venv}")
"$venv/bin/python" "$here/orjson_book.py" "$frames"
"$venv/bin/python" "$here/ccxt_book.py" "$frames"
if [ -n "${CST:-}" ]; then "$CST" bench link --json; fi

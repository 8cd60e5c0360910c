#!/bin/sh
# TA-Lib and polars beside our indicators: features.sh [VENV], with CST=path/to/cst (a release build).
set -eu
export PYTHONDONTWRITEBYTECODE=1
here=$(cd "$(dirname "$0")" && pwd)
venv=$("$here/venv.sh" "${1:-$here/../../target/peers-venv}")
exec "$venv/bin/python" "$here/features.py" "${CST:?set CST to the program, a release build}"

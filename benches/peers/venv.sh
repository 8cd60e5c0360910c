#!/bin/sh
# Makes the Python environment of the peers: venv.sh [FOLDER]. Versions are pinned in requirements.txt.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${1:-"$here/../../target/peers-venv"}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
echo "$venv"

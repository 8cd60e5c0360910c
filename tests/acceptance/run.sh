#!/usr/bin/env bash
# Lets ccxt (REST and pro), a client that acts like kraken-cli, and kraken-cli 0.3.2 itself if it is there (KRAKEN_CLI, or `kraken` in the path)
# trade on the stand-in exchange.
#
#   tests/acceptance/run.sh [PROGRAM]     PROGRAM: the cst binary (default: target/debug/cst)
#
# Needs Python 3 with venv, and the package index for the first run (later runs use the kept environment). Without them it says SKIPPED and
# exits with 77: skipped is not passed. STANDIN_COMMAND replaces the whole command that starts the stand-in.
set -euo pipefail
program=$(realpath "${1:-target/debug/cst}")
cd "$(dirname "$0")"
root=$(realpath ../..)
venv=${ACCEPTANCE_VENV:-${TMPDIR:-/tmp}/cst-acceptance-venv}

skip() { echo "SKIPPED: $1"; exit 77; }

command -v python3 >/dev/null || skip "no python3"
if ! "$venv/bin/python" -c 'import ccxt, requests, websockets; assert ccxt.__version__ == "4.5.90"' 2>/dev/null; then
  python3 -m venv "$venv" || skip "python3 has no venv"
  "$venv/bin/pip" install -q -r requirements.txt || skip "the packages of requirements.txt cannot be installed"
fi
export STANDIN_COMMAND=${STANDIN_COMMAND:-"$program simulator --invent BTC/USD,ETH/USD,XRP/USD --seed 7 --home $root"}
# Settings of kraken-cli in the developer's shell must not reach the scripts.
KRAKEN_CLI_PROGRAM=${KRAKEN_CLI:-}
for name in $(env | grep -o '^KRAKEN_[A-Z0-9_]*' || true); do unset "$name"; done

if [ -n "$KRAKEN_CLI_PROGRAM" ]; then export KRAKEN_CLI=$KRAKEN_CLI_PROGRAM; fi

"$venv/bin/python" -c 'import ccxt; print("ccxt", ccxt.__version__)'
failed=0
for script in ccxt_standin.py kraken_cli_equivalent.py kraken_cli.py; do
  echo "== $script"
  "$venv/bin/python" "$script" || { code=$?; [ "$code" -eq 77 ] || failed=1; }
done
exit $failed

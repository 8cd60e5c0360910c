#!/bin/sh
# Fills the corpora with the recorded messages of the tests: seed.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
fixtures="$here/../tests/fixtures/kraken"
mkdir -p "$here/corpus/ws_frame" "$here/corpus/rest_envelope" "$here/corpus/csv_import" "$here/corpus/book_update"
for file in "$fixtures"/kraken_async_rs/*wss* "$fixtures"/kraken_async_rs/*subscribe_error* "$fixtures"/nautilus/ws_*; do
    cp "$file" "$here/corpus/ws_frame/"
done
split -l 1 -a 3 "$here/../benches/data/book_btc_usd_depth10.jsonl" "$here/corpus/ws_frame/book_"
# The first two bytes are the status (200 is 0xC8 0x00), the rest is the body.
for file in "$fixtures"/kraken_async_rs/*json__*; do
    { printf '\310\000'; cat "$file"; } > "$here/corpus/rest_envelope/$(basename "$file")"
done
# The first byte is the format (0: separated values).
for file in "$fixtures"/ohlcvt_csv/*.csv; do
    [ -e "$file" ] || continue
    { printf '\000'; head -n 20 "$file"; } > "$here/corpus/csv_import/$(basename "$file")"
done

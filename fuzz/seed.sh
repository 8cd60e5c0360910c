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
# The first byte is the format: separated values, JSON, a JSON text per line. Shapes only, no market data.
csv="$here/corpus/csv_import"
printf '\000time,open,high,low,close,volume,trades\n1688671200,30306.1,30306.2,30305.7,30305.7,3.39,23\n' > "$csv/candles"
printf '\0001688671200,30306.1,30306.2,30305.7,30305.7,3.39,23\n1688674800,30305.7,30310.0,30300.1,30301.0,1.5,11\n' > "$csv/ohlcvt"
printf '\000time,price,volume,side,trade_id\n1688671200.123456789,30306.1,0.5,buy,7\n' > "$csv/trades"
printf '\001[[1688671200,"30306.1","30306.2","30305.7","30305.7","3.39",23],[1688674800,"1","2","0.5","1","3",1]]' > "$csv/array"
printf '\002{"time":"2023-07-06T19:20:00Z","price":1.5,"volume":2}\n{"time":"2023-07-06T19:21:00Z","price":1.5,"volume":2}\n' > "$csv/lines"

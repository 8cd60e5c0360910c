"""A book by hand: orjson, two dicts, zlib's CRC-32. Every checksum is verified."""

from zlib import crc32

import orjson

from frames import read, report
from level_text import text

DEPTH = 10


def apply(side, rows):
    for row in rows:
        price, qty = row["price"], row["qty"]
        if qty == 0:
            side.pop(price, None)
        else:
            side[price] = (qty, text(price, qty))


def main():
    frames = read()
    bids, asks = {}, {}

    def one_round():
        loads = orjson.loads
        for frame in frames:
            message = loads(frame)
            if message["channel"] != "book":
                continue
            row = message["data"][0]
            if message["type"] == "snapshot":
                bids.clear()
                asks.clear()
            apply(bids, row["bids"])
            apply(asks, row["asks"])
            best_bids, best_asks = sorted(bids, reverse=True), sorted(asks)
            for price in best_bids[DEPTH:]:
                del bids[price]
            for price in best_asks[DEPTH:]:
                del asks[price]
            parts = [asks[price][1] for price in best_asks[:10]]
            parts += [bids[price][1] for price in best_bids[:10]]
            if crc32(b"".join(parts)) != row["checksum"]:
                raise SystemExit("a checksum does not match")

    report("orjson + dict + zlib", orjson.__version__, True, frames, one_round)


main()

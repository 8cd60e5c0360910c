#!/usr/bin/env python3
"""Makes listing.json, once, from two recordings (see README.md beside this file).

    make_listing.py INSTRUMENT_SNAPSHOT.json KRAKEN.0 > listing.json

The first is a WebSocket v2 `instrument` snapshot: which pairs and assets there are, their precisions and minimums. The second is a log whose first line
holds REST `AssetPairs`: the ids with X and Z prefixes, which the snapshot does not have. A pair or asset that is not in the second got its id later, when
Kraken no longer gave prefixes: there the id is the altname.
"""

import decimal
import json
import sys

# Thirty-day volume in USD, maker %, taker %: the table of July 2026.
FEES = [
    ("0", "0.40", "0.80"), ("2500", "0.30", "0.60"), ("10000", "0.22", "0.38"), ("25000", "0.20", "0.35"), ("50000", "0.15", "0.30"),
    ("100000", "0.12", "0.25"), ("250000", "0.10", "0.22"), ("500000", "0.08", "0.20"), ("1000000", "0.06", "0.18"), ("2500000", "0.04", "0.15"),
    ("5000000", "0.02", "0.12"), ("10000000", "0", "0.10"), ("50000000", "0", "0.09"), ("100000000", "0", "0.08"), ("250000000", "0", "0.07"),
    ("400000000", "0", "0.06"), ("500000000", "0", "0.05"),
]
RENAMED = {"BTC": "XBT", "DOGE": "XDG"}


def plain(number):
    """A decimal without exponent and trailing zeros."""
    text = format(decimal.Decimal(number), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def main(snapshot_path, asset_pairs_path):
    with open(snapshot_path) as f:
        data = json.load(f, parse_float=decimal.Decimal)["data"]
    with open(asset_pairs_path) as f:
        asset_pairs = json.loads(f.readline().split(": ", 1)[1])["result"]

    pair_ids, asset_ids = {}, {}
    for key, pair in asset_pairs.items():
        if "wsname" not in pair:  # the dark pools of old have none
            continue
        pair_ids[pair["wsname"]] = key
        base, quote = pair["wsname"].split("/")
        asset_ids[base], asset_ids[quote] = pair["base"], pair["quote"]

    assets = []
    for asset in data["assets"]:
        alt = RENAMED.get(asset["id"], asset["id"])
        row = {"id": asset_ids.get(alt, alt), "alt": alt, "v2": asset["id"], "decimals": asset["precision"], "display": asset["precision_display"],
               "status": asset["status"], "borrowable": asset["borrowable"], "collateral": plain(asset["collateral_value"])}
        if "margin_rate" in asset:
            row["rate"] = plain(asset["margin_rate"])
        assets.append(row)

    pairs = []
    for pair in data["pairs"]:
        base, quote = (RENAMED.get(side, side) for side in (pair["base"], pair["quote"]))
        assert pair["symbol"] == f"{pair['base']}/{pair['quote']}" and pair["tick_size"] == pair["price_increment"]
        row = {"id": pair_ids.get(f"{base}/{quote}", base + quote), "alt": base + quote, "ws": f"{base}/{quote}", "v2": pair["symbol"],
               "base": asset_ids.get(base, base), "quote": asset_ids.get(quote, quote), "status": pair["status"],
               "price": pair["price_precision"], "lot": pair["qty_precision"], "cost": pair["cost_precision"], "tick": plain(pair["tick_size"]),
               "min": plain(pair["qty_min"]), "cost_min": plain(pair["cost_min"]), "marginable": pair["marginable"], "index": pair["has_index"]}
        if "margin_initial" in pair:
            row |= {"margin": plain(pair["margin_initial"]), "long": pair["position_limit_long"], "short": pair["position_limit_short"]}
        pairs.append(row)

    def lines(rows):
        return ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)

    fees = [{"from": volume, "maker": plain(maker), "taker": plain(taker)} for volume, maker, taker in FEES]
    taken = "instrument snapshot of unstated date (2024, to judge by its newest pairs), ids of 2021-04-17, fees of July 2026"
    print(f'{{"taken":{json.dumps(taken)},\n"fees":[\n{lines(fees)}\n],\n"assets":[\n{lines(assets)}\n],\n"pairs":[\n{lines(pairs)}\n]}}')


if __name__ == "__main__":
    main(*sys.argv[1:])

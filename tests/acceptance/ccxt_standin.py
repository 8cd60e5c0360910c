"""ccxt (REST and pro) trades on the stand-in exchange with nothing changed but addresses; its books, fills and fees must equal the stand-in's.

Run by run.sh. Every check prints one line; the exit code is 0 only when all hold.
"""

import asyncio
import binascii
from decimal import ROUND_FLOOR, Decimal

import ccxt
import ccxt.pro

from standin import Score, Standin

PAIR, OTHER = "BTC/USD", "ETH/USD"
score = Score("ccxt " + ccxt.__version__)


def rest_client(standin):
    key, base = standin.keys["ccxt"], standin.facts["rest"]
    return ccxt.kraken({"apiKey": key["key"], "secret": key["secret"], "urls": {"api": {"public": base, "private": base}}})


def pro_client(standin):
    key, base, ws = standin.keys["ccxt"], standin.facts["rest"], standin.facts["ws"]
    client = ccxt.pro.kraken({"apiKey": key["key"], "secret": key["secret"], "urls": {"api": {"public": base, "private": base}}})
    for name in ("publicV2", "privateV2", "public", "private", "l3"):
        client.urls["api"]["ws"][name] = ws
    # ccxt's own check of book checksums (options.watchOrderBook.checksum) fails on floats in Python: this script computes them itself.
    return client


def below(price, part):
    """A price on the grid of BTC/USD, that part below."""
    return (Decimal(str(price)) * (1 - Decimal(part))).quantize(Decimal("0.1"), ROUND_FLOOR)


def same(a, b):
    return Decimal(str(a)) == Decimal(str(b))


def public_rest(client):
    markets = client.load_markets()
    market = markets[PAIR]
    score.equal("load markets: id", market["id"], "XXBTZUSD")
    score.check("load markets: precision", same(market["precision"]["price"], "0.1") and same(market["precision"]["amount"], "1e-8"), market["precision"])
    score.check("load markets: minimums", market["limits"]["amount"]["min"] > 0 and market["limits"]["cost"]["min"] > 0, market["limits"])
    status = client.fetch_status()
    score.equal("status", status["status"], "ok")
    score.check("time", client.fetch_time() > 1_500_000_000_000)
    ticker = client.fetch_ticker(PAIR)
    score.check("ticker", 0 < ticker["bid"] < ticker["ask"] and ticker["last"] > 0 and ticker["baseVolume"] > 0, ticker)
    score.check("tickers of two pairs", set(client.fetch_tickers([PAIR, OTHER])) == {PAIR, OTHER})
    book = client.fetch_order_book(PAIR, 50)
    bids, asks = [p for p, *_ in book["bids"]], [p for p, *_ in book["asks"]]
    score.check("book: sorted, not crossed, 50 deep", bids == sorted(bids, reverse=True) and asks == sorted(asks) and bids[0] < asks[0] and len(bids) == 50, (len(bids), len(asks)))
    candles = client.fetch_ohlcv(PAIR, "1m")
    times = [c[0] for c in candles]
    score.check("candles: ascending minutes", times == sorted(set(times)) and all(t % 60_000 == 0 for t in times) and 1 < len(times) <= 721, len(times))
    score.check("candles: prices in order", all(c[3] <= min(c[1], c[4]) and max(c[1], c[4]) <= c[2] for c in candles))
    trades = client.fetch_trades(PAIR, limit=100)
    score.check("trades", len(trades) > 10 and all(t["price"] > 0 and t["side"] in ("buy", "sell") for t in trades), len(trades))
    return ticker


def private_rest(client, standin, ticker):
    balance = client.fetch_balance()
    score.equal("balance: total", (balance["USD"]["total"], balance["BTC"]["total"]), (100_000.0, 5.0))

    # A limit order: placed, amended, partly filled by somebody else's trade, cancelled.
    price = below(ticker["last"], "0.05")
    order = client.create_order(PAIR, "limit", "buy", 0.01, float(price), {"clientOrderId": "c0ffee00-0000-4000-8000-000000000001"})
    score.check("limit order: id", order["id"].startswith("O"), order["id"])
    score.check("limit order: text was understood", order["side"] == "buy" and order["type"] == "limit" and same(order["price"], price), order)
    opened = client.fetch_open_orders(PAIR)
    score.check("open orders", [o["id"] for o in opened] == [order["id"]] and same(opened[0]["amount"], "0.01"), opened)
    score.equal("open orders: client id", opened[0]["clientOrderId"], "c0ffee00-0000-4000-8000-000000000001")
    held = client.fetch_balance()["USD"]["used"]
    score.check("balance: hold covers cost and fee", Decimal("0.01") * price <= Decimal(str(held)) <= Decimal("0.01") * price * Decimal("1.01"), held)
    price += Decimal("0.7")
    client.edit_order(order["id"], PAIR, "limit", "buy", 0.02, float(price))
    amended = client.fetch_order(order["id"], PAIR)
    score.check("amend keeps the id", same(amended["amount"], "0.02") and same(amended["price"], price) and amended["status"] == "open", amended)
    standin.trade(PAIR, "sell", price, "0.008")
    partial = client.fetch_order(order["id"], PAIR)
    score.check("partial fill", same(partial["filled"], "0.008") and same(partial["remaining"], "0.012") and partial["status"] == "open", partial)
    score.check("partial fill: average and cost", same(partial["average"], price) and same(partial["cost"], price * Decimal("0.008")), partial)
    client.cancel_order(order["id"], PAIR)
    closed = client.fetch_order(order["id"], PAIR)
    score.check("cancel", closed["status"] == "canceled" and same(closed["filled"], "0.008"), closed)
    score.check("closed orders", order["id"] in [o["id"] for o in client.fetch_closed_orders(PAIR)])

    # A market order, both sides of the fee table.
    market = client.create_order(PAIR, "market", "buy", 0.005)
    score.check("market order: text was understood", market["type"] == "market" and market["side"] == "buy", market)
    score.equal("market order: filled", client.fetch_order(market["id"], PAIR)["status"], "closed")

    stop = client.create_order(PAIR, "market", "sell", 0.001, None, {"stopLossPrice": float(below(ticker["last"], "0.2"))})
    score.equal("stop order", client.fetch_order(stop["id"], PAIR)["status"], "open")
    trailing = client.create_order(PAIR, "market", "sell", 0.001, None, {"trailingPercent": "5"})
    score.equal("trailing order", client.fetch_order(trailing["id"], PAIR)["status"], "open")

    # Batches.
    rows = [{"symbol": PAIR, "type": "limit", "side": "buy", "amount": 0.001, "price": float(below(ticker["last"], part))} for part in ("0.1", "0.11", "0.12")]
    batch = [o["id"] for o in client.create_orders(rows)]
    score.check("batch of three", len(set(batch)) == 3 and all(i.startswith("O") for i in batch), batch)
    client.cancel_orders(batch[:2])
    left = {o["id"] for o in client.fetch_open_orders()}
    score.check("cancel-many", not left & set(batch[:2]) and batch[2] in left, left)
    client.cancel_all_orders()
    score.equal("cancel-all", client.fetch_open_orders(), [])

    # Refusals arrive as what they are.
    for name, error, act in [
        ("insufficient funds", ccxt.InsufficientFunds, lambda: client.create_order(PAIR, "limit", "buy", 100, float(price))),
        ("below the minimum", ccxt.InvalidOrder, lambda: client.create_order(PAIR, "limit", "buy", 1e-8, float(price))),
        ("unknown order", ccxt.OrderNotFound, lambda: client.cancel_order("OAAAAA-AAAAA-AAAAAA", PAIR)),
    ]:
        try:
            answer = act()
            score.check(f"refused: {name}", False, answer)
        except error:
            score.check(f"refused: {name}", True)
        except Exception as other:
            score.check(f"refused: {name}", False, repr(other))
    score.check("an order was checked only", "id" in client.create_order(PAIR, "limit", "buy", 0.001, float(price), {"validate": True}))
    score.equal("nothing is open", client.fetch_open_orders(), [])


def compare_fills(client, standin):
    """Every fill as ccxt sees it against the stand-in's own list."""
    wanted = {f["txid"]: f for f in standin.control("GET", "/fills") if f["account"] == standin.keys["ccxt"]["account"]}
    seen = {t["id"]: t for t in client.fetch_my_trades(PAIR, params={"consolidate_taker": "false"})}
    score.equal("my trades: ids", set(seen), set(wanted))
    for txid, fill in wanted.items():
        trade = seen.get(txid)
        if trade is None:
            continue
        equal = (
            trade["order"] == fill["ordertxid"]
            and trade["side"] == fill["side"]
            and trade["takerOrMaker"] == ("maker" if fill["maker"] else "taker")
            and all(same(a, fill[b]) for a, b in [(trade["price"], "price"), (trade["amount"], "qty"), (trade["cost"], "cost"), (trade["fee"]["cost"], "fee")])
        )
        score.check(f"fill {txid}: price, amount, cost, fee", equal, (trade, fill))
    percent = {f["maker"]: (Decimal(f["fee"]) / Decimal(f["cost"]) * 100).quantize(Decimal("0.01")) for f in wanted.values()}
    score.equal("fees of the lowest tier (taker, maker)", (percent.get(False), percent.get(True)), (Decimal("0.80"), Decimal("0.40")))
    spent = sum(Decimal(f["cost"]) * (1 if f["side"] == "buy" else -1) + Decimal(f["fee"]) for f in wanted.values())
    balance = client.fetch_balance()
    score.equal("balance after fills and fees", Decimal(str(balance["USD"]["total"])).quantize(Decimal("0.0001")), (100_000 - spent).quantize(Decimal("0.0001")))


async def within(seconds, what):
    return await asyncio.wait_for(what, seconds)


def checksum(client, book, symbol):
    """CRC-32 of the ten best levels, from the numbers ccxt holds."""
    price, amount = (abs(Decimal(str(client.market(symbol)["precision"][k])).as_tuple().exponent) for k in ("price", "amount"))
    text = ""
    for side in ("asks", "bids"):
        for level in book[side][:10]:
            for value, places in zip(level[:2], (price, amount)):
                text += f"{Decimal(str(value)):.{places}f}".replace(".", "").lstrip("0")
    return binascii.crc32(text.encode()) & 0xFFFFFFFF


async def public_pro(client):
    ticker = await within(20, client.watch_ticker(PAIR))
    score.check("watch ticker", 0 < ticker["bid"] < ticker["ask"] and ticker["symbol"] == PAIR, ticker)
    frames, sums = [], []
    handle = client.handle_order_book

    def recording(ws, message):
        handle(ws, message)
        row = message["data"][0]
        if row["symbol"] == PAIR:
            frames.append(message["type"])
            sums.append((checksum(client, client.orderbooks[PAIR], PAIR), row["checksum"]))

    client.handle_order_book = recording
    for _ in range(12):
        book = await within(30, client.watch_order_book(PAIR, 10))
    client.handle_order_book = handle
    score.check("watch book: sorted, not crossed", book["bids"][0][0] < book["asks"][0][0] and len(book["bids"]) == 10)
    score.check("watch book: snapshot, then updates", frames[0] == "snapshot" and set(frames[1:]) == {"update"}, frames)
    score.check(f"watch book: all {len(sums)} checksums hold", len(sums) >= 12 and all(a == b for a, b in sums), [s for s in sums if s[0] != s[1]])
    trades = await within(60, client.watch_trades(PAIR))
    score.check("watch trades", trades and trades[0]["symbol"] == PAIR and trades[0]["price"] > 0, trades)
    candles = await within(60, client.watch_ohlcv(PAIR, "1m"))
    score.check("watch ohlcv", candles and len(candles[-1]) >= 6 and candles[-1][0] % 60_000 == 0, candles)
    return ticker


async def private_pro(client, standin, ticker):
    balance = await within(20, client.watch_balance())
    score.check("watch balance: snapshot", balance["BTC"]["total"] > 4, balance.get("BTC"))
    price = below(ticker["last"], "0.04")
    watching = asyncio.ensure_future(client.watch_orders())
    await asyncio.sleep(1)
    placed = await within(20, client.create_order_ws(PAIR, "limit", "buy", 0.01, float(price)))
    score.check("create order by WebSocket", placed["id"].startswith("O"), placed)
    orders = await within(20, watching)
    order = next(o for o in orders if o["id"] == placed["id"])
    score.check("watch orders: the new order", order["symbol"] == PAIR and order["side"] == "buy" and same(order["price"], price), order)

    fills = asyncio.ensure_future(client.watch_my_trades())
    changed = asyncio.ensure_future(client.watch_balance())
    await asyncio.sleep(0.5)
    await asyncio.to_thread(standin.trade, PAIR, "sell", price, "0.004")
    fill = (await within(20, fills))[-1]
    score.check("watch my trades", fill["order"] == placed["id"] and same(fill["amount"], "0.004") and same(fill["price"], price), fill)
    truth = [f for f in standin.control("GET", "/fills") if f["ordertxid"] == placed["id"]]
    score.check("watch my trades: id, cost and fee are the stand-in's", len(truth) == 1 and fill["id"] == truth[0]["txid"] and same(fill["cost"], truth[0]["cost"]) and same(fill["fees"][0]["cost"] if fill.get("fees") else fill["fee"]["cost"], truth[0]["fee"]), (fill, truth))
    await within(20, changed)
    score.check("watch balance: update", True)

    edited = await within(20, client.edit_order_ws(placed["id"], PAIR, "limit", "buy", 0.02, float(price)))
    score.check("amend order by WebSocket", edited["id"] == placed["id"], edited)
    await within(20, client.cancel_order_ws(placed["id"]))
    for _ in range(20):
        state = next((o for o in client.orders if o["id"] == placed["id"] and o["status"] == "canceled"), None)
        if state:
            break
        await asyncio.sleep(0.1)
    score.check("cancel order by WebSocket", state is not None, [dict(o) for o in client.orders])
    try:
        await within(20, client.cancel_order_ws("OAAAAA-AAAAA-AAAAAA"))
        score.check("unknown order is refused by WebSocket", False)
    except ccxt.OrderNotFound:
        score.check("unknown order is refused by WebSocket", True)
    more = [await within(20, client.create_order_ws(PAIR, "limit", "buy", 0.001, float(price - n))) for n in (1, 2)]
    answer = await within(20, client.cancel_all_orders_ws())
    score.equal("cancel-all by WebSocket", (len(more), answer["result"]["count"]), (2, 2))


async def pro_part(standin):
    client = pro_client(standin)
    try:
        ticker = await public_pro(client)
        await private_pro(client, standin, ticker)
    finally:
        await client.close()


def main():
    with Standin("--full-deltas") as standin:
        client = rest_client(standin)
        ticker = public_rest(client)
        private_rest(client, standin, ticker)
        compare_fills(client, standin)
        asyncio.run(pro_part(standin))
        compare_fills(client, standin)
        orders = [o for o in standin.control("GET", "/orders") if o["account"] == standin.keys["ccxt"]["account"]]
        score.check("no order is left open", orders and all(o["status"] in ("closed", "canceled", "expired") for o in orders))
    score.done()


main()

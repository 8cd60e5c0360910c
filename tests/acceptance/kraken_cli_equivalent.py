"""A client that does on the wire what kraken-cli 0.3.2 does, for machines without it: TLS with the stand-in's own authority, JSON bodies with
a nanosecond nonce as number, one answer awaited per cancelled order, and private calls repeated after a timeout.

Run by run.sh. The last part shows why the program never repeats an order: a repeat after a timeout buys twice.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
import time
from decimal import Decimal

import requests
import websockets

from standin import Score, Standin

score = Score("like kraken-cli 0.3.2")


class Cli:
    """REST with the CLI's habits."""

    def __init__(self, standin, name="cli"):
        self.base, self.session = standin.facts["tls_rest"], requests.Session()
        self.session.verify, self.session.trust_env = standin.ca, False
        self.session.headers["User-Agent"] = "kraken-cli/0.3.2"
        self.key, self.secret = standin.keys[name]["key"], base64.b64decode(standin.keys[name]["secret"])
        self.attempts = 0

    def public(self, name, **query):
        return self.unwrap(self.session.get(f"{self.base}/0/public/{name}", params=query, timeout=10))

    def private(self, name, timeout=10, retries=3, **fields):
        """Repeats the call with a new nonce after connect and timeout errors, whatever it does."""
        for attempt in range(retries):
            path, nonce = f"/0/private/{name}", time.time_ns()
            body = json.dumps({"nonce": nonce, **fields})
            digest = hashlib.sha256(str(nonce).encode() + body.encode()).digest()
            sign = base64.b64encode(hmac.new(self.secret, path.encode() + digest, hashlib.sha512).digest()).decode()
            headers = {"API-Key": self.key, "API-Sign": sign, "Content-Type": "application/json"}
            self.attempts += 1
            try:
                return self.unwrap(self.session.post(self.base + path, data=body, headers=headers, timeout=timeout))
            except (requests.Timeout, requests.ConnectionError):
                if attempt + 1 == retries:
                    raise
        return None

    @staticmethod
    def unwrap(answer):
        body = answer.json()
        if body["error"]:
            raise ValueError(body["error"][0])
        return body["result"]


def refused(name, wanted, act):
    try:
        score.check(name, False, act())
    except ValueError as error:
        score.equal(name, str(error), wanted)


def rest(cli, standin):
    ticker = cli.public("Ticker", pair="XBTUSD")
    score.equal("ticker is keyed by the pair's id", list(ticker), ["XXBTZUSD"])
    last = Decimal(ticker["XXBTZUSD"]["c"][0])
    score.check("ohlc", len(cli.public("OHLC", pair="XBTUSD", interval=60)["XXBTZUSD"]) > 1)
    book = cli.public("Depth", pair="XBTUSD", count=5)["XXBTZUSD"]
    score.equal("orderbook", (len(book["asks"]), len(book["bids"])), (5, 5))
    score.check("balance", Decimal(cli.private("Balance")["ZUSD"]) == 100_000)

    price = str((last * Decimal("0.9")).quantize(Decimal("0.1")))
    order = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "volume": "0.01", "price": price}
    checked = cli.private("AddOrder", validate=True, **order)
    score.check("--validate places nothing", "txid" not in checked and cli.private("OpenOrders")["open"] == {}, checked)
    txid = cli.private("AddOrder", **order)["txid"][0]
    score.check("open-orders", list(cli.private("OpenOrders")["open"]) == [txid])
    score.equal("order cancel", cli.private("CancelOrder", txid=txid)["count"], 1)
    sold = cli.private("AddOrder", pair="XBTUSD", type="sell", ordertype="market", volume="0.01")["txid"][0]
    trades = cli.private("TradesHistory")["trades"]
    truth = [f for f in standin.control("GET", "/fills") if f["ordertxid"] == sold]
    score.check("trades-history: fills and fees are the stand-in's", sum(Decimal(t["fee"]) for t in trades.values()) == sum(Decimal(f["fee"]) for f in truth) and sum(Decimal(t["vol"]) for t in trades.values()) == Decimal("0.01"), (trades, truth))
    batch = cli.private("AddOrderBatch", pair="XBTUSD", orders=[{k: v for k, v in order.items() if k != "pair"}] * 2)["orders"]
    score.equal("cancel-batch", cli.private("CancelOrderBatch", orders=[o["txid"] for o in batch])["count"], 2)
    info = cli.private("GetApiKeyInfo")
    score.check("key info", "modify-trades" in info["permissions"] and "withdraw-funds" not in info["permissions"], info)
    return order


def refusals(cli, standin, order):
    refused("a smaller nonce", "EAPI:Invalid nonce", lambda: old_nonce(cli))
    stranger = Cli(standin)
    stranger.key = "NOT-A-KEY-OF-THE-STAND-IN"
    refused("a foreign key", "EAPI:Invalid key", lambda: stranger.private("Balance"))
    score.check("a foreign key is logged nowhere", stranger.key not in json.dumps(standin.control("GET", "/log"), default=str))
    wrong = Cli(standin)
    wrong.secret = b"wrong"
    refused("a wrong secret", "EAPI:Invalid signature", lambda: wrong.private("Balance"))
    reader = Cli(standin, "reader")
    refused("a key without the right to trade", "EGeneral:Permission denied", lambda: reader.private("AddOrder", **order))
    refused("a key without the right to sockets", "EGeneral:Permission denied", lambda: reader.private("GetWebSocketsToken"))
    refused("an unknown call", "EGeneral:Unknown method", lambda: cli.private("WithdrawEverything"))
    plain = requests.Session()
    plain.trust_env = False
    try:
        plain.get(standin.facts["tls_rest"] + "/0/public/Time", timeout=5)
        score.check("TLS: the authority must be trusted explicitly", False)
    except requests.exceptions.SSLError:
        score.check("TLS: the authority must be trusted explicitly", True)


def old_nonce(cli):
    now = time.time_ns
    time.time_ns = lambda: 1_600_000_000_000_000_000
    try:
        return cli.private("Balance")
    finally:
        time.time_ns = now


async def sockets(cli, standin, order):
    context = ssl.create_default_context(cafile=standin.ca)
    async with websockets.connect(standin.facts["tls_ws"], ssl=context, proxy=None) as ws:
        executions = []

        async def read(wanted, seconds=15):
            while True:
                frame = json.loads(await asyncio.wait_for(ws.recv(), seconds), parse_float=Decimal)
                if frame.get("channel") == "executions":
                    executions.append(frame)
                if wanted(frame):
                    return frame

        first = json.loads(await asyncio.wait_for(ws.recv(), 5))
        score.check("ws: status comes first, its id is above 2^53", first["channel"] == "status" and first["data"][0]["connection_id"] > 2**53, first)
        await ws.send(json.dumps({"method": "subscribe", "params": {"channel": "ticker", "symbol": ["BTC/USD", "XBT/USD"]}, "req_id": 7}))
        acks = [await read(lambda f: f.get("method") == "subscribe") for _ in range(2)]
        score.equal("ws ticker: one answer per symbol", [(a["success"], a["req_id"]) for a in acks], [(True, 7), (False, 7)])
        score.equal("ws ticker: a legacy name is refused", acks[1]["error"], "Currency pair not supported XBT/USD")
        token = cli.private("GetWebSocketsToken")["token"]
        await ws.send(json.dumps({"method": "subscribe", "params": {"channel": "executions", "token": token, "snap_trades": True}, "req_id": 8}))
        ack = await read(lambda f: f.get("req_id") == 8)
        score.check("ws executions", ack["success"] and ack["result"]["maxratecount"] > 0, ack)
        frames = [await read(lambda f: f.get("channel") == "executions") for _ in range(2)]
        score.equal("ws executions: snapshots are numbered", [f["sequence"] for f in frames], [1, 2])

        ids = []
        for n in range(3):
            params = {"order_type": "limit", "side": "buy", "symbol": "BTC/USD", "order_qty": 0.001, "limit_price": float(order["price"]) - n, "token": token}
            await ws.send(json.dumps({"method": "add_order", "params": params, "req_id": 100 + n}))
            ids.append((await read(lambda f: f.get("method") == "add_order"))["result"]["order_id"])
        await ws.send(json.dumps({"method": "cancel_order", "params": {"order_id": [*ids, "OAAAAA-AAAAA-AAAAAA"], "token": token}, "req_id": 200}))
        answers = [await read(lambda f: f.get("req_id") == 200) for _ in range(4)]
        score.equal("ws cancel: one answer per order", sorted(a["success"] for a in answers), [False, True, True, True])
        canceled = set()
        while canceled != set(ids):
            canceled |= {r["order_id"] for f in executions for r in f["data"] if r["exec_type"] == "canceled"}
            if canceled != set(ids):
                await read(lambda f: f.get("channel") == "executions")
        score.equal("ws executions: sequences have no gap", [f["sequence"] for f in executions], list(range(1, len(executions) + 1)))
        await ws.send(json.dumps({"method": "ping"}))
        pong = await read(lambda f: f.get("method") == "pong")
        score.check("ws ping without req_id", "req_id" not in pong)
        beat = await read(lambda f: f.get("channel") == "heartbeat", 5)
        score.equal("ws heartbeat when nothing else comes", beat, {"channel": "heartbeat"})


def duplicate_hazard(cli, standin, order):
    """The exchange executes at once and answers late; the client gives up, repeats, and owns twice as much as it wanted."""
    standin.fault(kind="slow_after", match={"path": "AddOrder"}, ms=4_000, count=1)
    before = cli.attempts
    cli.private("AddOrder", timeout=1.5, **{**order, "volume": "0.002"})
    opened = cli.private("OpenOrders")["open"]
    score.equal("repeat after a timeout: two requests, two orders", (cli.attempts - before - 1, len(opened)), (2, 2))
    score.equal("cancel-all takes both back", cli.private("CancelAll")["count"], 2)


def main():
    with Standin() as standin:
        cli = Cli(standin)
        order = rest(cli, standin)
        refusals(cli, standin, order)
        asyncio.run(sockets(cli, standin, order))
        duplicate_hazard(cli, standin, order)
    score.done()


main()

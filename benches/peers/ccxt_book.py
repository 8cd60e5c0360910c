"""The order-book path of ccxt.pro's Kraken, from a frame's text to the book, without a network.

Three figures at most: as it comes (its checksum is off), with its own checksum option on (if that works), and with the exchange's checksum
verified by a function of ours after each frame, which is what a user who wants proof has to add.
"""

import asyncio
import json
from zlib import crc32

import ccxt
import ccxt.pro

from frames import read, report
from level_text import text

SYMBOL = "BTC/USD"


class Failed(Exception):
    """ccxt gave up on a frame."""


def client_of(exchange):
    """A client of ccxt whose messages go where those of its socket go."""
    client = exchange.client(exchange.urls["api"]["ws"]["publicV2"])

    def fail(error, *_):
        raise Failed(repr(error))

    client.reject = fail
    client.on_error = fail
    return client


def check(exchange, frame_checksum):
    book = exchange.orderbooks[SYMBOL]
    parts = [text(price, qty) for price, qty in book["asks"][:10]]
    parts += [text(price, qty) for price, qty in book["bids"][:10]]
    if crc32(b"".join(parts)) != frame_checksum:
        raise Failed("a checksum does not match")


def checksum_of(frame):
    return int(frame.rsplit(b'"checksum":', 1)[1].split(b",")[0].split(b"}")[0])


async def main():
    frames = read()
    texts = [frame.decode() for frame in frames]
    checksums = [checksum_of(frame) for frame in frames]

    async def measure(name, option, verified):
        exchange = ccxt.pro.kraken({"options": {"watchOrderBook": {"checksum": option}}})
        client = client_of(exchange)
        feed = client.handle_text_or_binary_message

        def one_round():
            for frame in texts:
                feed(frame)

        def one_checked_round():
            for frame, checksum in zip(texts, checksums):
                feed(frame)
                check(exchange, checksum)

        try:
            by_hand = verified and not option
            report(name, ccxt.__version__, verified, frames, one_checked_round if by_hand else one_round)
        except Exception as error:  # what does not work is a result too
            failed = {"peer": name, "version": ccxt.__version__, "failed": f"{type(error).__name__}: {error}"}
            print(json.dumps(failed), flush=True)
        finally:
            await exchange.close()

    await measure("ccxt.pro, as it comes", False, False)
    await measure("ccxt.pro, its checksum option on", True, True)
    await measure("ccxt.pro + checksum by hand", False, True)


asyncio.run(main())

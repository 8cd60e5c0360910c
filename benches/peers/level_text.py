"""The text of a level that the checksum is computed over."""


def text(price, qty):
    """1 and 8 decimals (BTC/USD), without dot and leading zeros."""
    return (f"{price:.1f}".replace(".", "").lstrip("0") + f"{qty:.8f}".replace(".", "").lstrip("0")).encode()

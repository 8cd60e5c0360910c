"""Frames of a file, and how fast a function takes them."""

import json
import sys
import time

SECONDS = 5.0


def read():
    """The frames named on the command line, as bytes."""
    with open(sys.argv[1], "rb") as file:
        return [line.rstrip(b"\n") for line in file if line.strip()]


def report(peer, version, checked, frames, one_round):
    """Calls `one_round()` (all frames once) for a few seconds and prints the best and the mean rate as a line of JSON."""
    one_round()
    best, rounds, begin = float("inf"), 0, time.perf_counter()
    while time.perf_counter() - begin < SECONDS:
        start = time.perf_counter()
        one_round()
        best = min(best, time.perf_counter() - start)
        rounds += 1
    mean = rounds * len(frames) / (time.perf_counter() - begin)
    print(
        json.dumps(
            {
                "peer": peer,
                "version": version,
                "python": sys.version.split()[0],
                "checksum_verified": checked,
                "frames": rounds * len(frames),
                "frames_per_s": round(mean),
                "frames_per_s_best_round": round(len(frames) / best),
            }
        ),
        flush=True,
    )

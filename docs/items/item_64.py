"""Item 64: ten CPU-bound jobs in turn, on threads and on processes, and a job that crashes.

python3 docs/items/item_64.py
"""

import os
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

PAIRS = [(19_633 + 1_000 * n, 22_659 + 3_000 * n) for n in range(10)]


def gcd(pair):
    a, b = pair
    return next(n for n in range(min(a, b), 0, -1) if a % n == 0 and b % n == 0)


def timed(title, work):
    start = time.monotonic()
    results = list(work())
    print(f"{title}: {time.monotonic() - start:.3f} s")
    return results


def main():
    expected = timed("in turn", lambda: map(gcd, PAIRS))
    with ThreadPoolExecutor(max_workers=2) as pool:
        # No faster: the global interpreter lock lets one of them compute.
        assert timed("on 2 threads", lambda: pool.map(gcd, PAIRS)) == expected
    with ProcessPoolExecutor(max_workers=2) as pool:
        assert timed("on 2 processes", lambda: pool.map(gcd, PAIRS)) == expected
        # A crash breaks the whole pool, and takes the jobs of others with it.
        try:
            pool.submit(os._exit, 1).result()
            raise AssertionError("it does not return")
        except BrokenProcessPool as error:
            print(error)


if __name__ == "__main__":
    main()

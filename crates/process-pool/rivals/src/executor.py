"""`ProcessPoolExecutor` of the standard library, driven over pipes. It times itself.

A request is a name and a count; the answer is a number of nanoseconds. `python.rs` sends the requests.
"""

import os
import sys
import time
from collections import deque
from concurrent.futures import ProcessPoolExecutor

OUTSTANDING = 64
PAUSE = 0.001
LARGE = 64 << 20


def succ(number):
    return number + 1


def hold(data):
    return data


def trip(pool, number):
    assert pool.submit(succ, number).result() == number + 1


def hot(pool, count):
    for number in range(count // 2):
        trip(pool, number)
    start = time.perf_counter_ns()
    for number in range(count):
        trip(pool, number)
    return time.perf_counter_ns() - start


def cold(pool, count):
    total = 0
    for number in range(count):
        time.sleep(PAUSE)
        start = time.perf_counter_ns()
        trip(pool, number)
        total += time.perf_counter_ns() - start
    return total


def submit(pool, count):
    start = time.perf_counter_ns()
    under_way = deque()
    for number in range(count):
        if len(under_way) == OUTSTANDING:
            sent, future = under_way.popleft()
            assert future.result() == sent + 1
        under_way.append((number, pool.submit(succ, number)))
    for sent, future in under_way:
        assert future.result() == sent + 1
    return time.perf_counter_ns() - start


def chunks(pool, count):
    start = time.perf_counter_ns()
    results = list(pool.map(succ, range(count), chunksize=64))
    time_taken = time.perf_counter_ns() - start
    assert results == list(range(1, count + 1))
    return time_taken


def large(pool, _count):
    data = bytes(LARGE)
    start = time.perf_counter_ns()
    back = pool.submit(hold, data).result()
    time_taken = time.perf_counter_ns() - start
    assert back == data
    return time_taken


WORK = {work.__name__: work for work in (hot, cold, submit, chunks, large)}


def main():
    answers = os.fdopen(os.dup(1), "w")
    with ProcessPoolExecutor(max_workers=1) as pool:
        trip(pool, 0)
        print("ready", file=answers, flush=True)
        for request in sys.stdin:
            name, count = request.split()
            print(WORK[name](pool, int(count)), file=answers, flush=True)


if __name__ == "__main__":
    main()

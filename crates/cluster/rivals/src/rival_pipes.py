"""The pipes over which a bench drives a rival in Python, which times itself.

A request is a name, a count and a number of bytes; the answer is a number of nanoseconds. `python.rs` sends the requests.
"""

import os
import sys
import time
from collections import deque

WORKERS = 2
OUTSTANDING = 1_000


def serve(submit, gather, run_all):
    """Answers requests until they end.

    `submit` starts a job that returns its input, `gather` waits for its result, and `run_all` is the
    rival's own way to run it on many inputs.
    """

    def back(count, payload):
        for _ in range(count):
            assert gather(submit(payload)) == payload

    def flood(count, payload):
        under_way = deque()
        for _ in range(count):
            if len(under_way) == OUTSTANDING:
                assert gather(under_way.popleft()) == payload
            under_way.append(submit(payload))
        for job in under_way:
            assert gather(job) == payload

    def many(count, payload):
        assert len(run_all([payload] * count)) == count

    work = {"back": back, "flood": flood, "many": many}
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    back(10, b"warm")
    print("ready", file=answers, flush=True)
    for request in sys.stdin:
        name, count, size = request.split()
        start = time.perf_counter_ns()
        work[name](int(count), bytes(int(size)))
        print(time.perf_counter_ns() - start, file=answers, flush=True)

#!/usr/bin/env python3
"""An example contestant, written from protocol.md alone: Python's ThreadPoolExecutor.

    cargo xtask compare waits --runner python="python3 docs/runner.py"

Standard library only. It does the steps wait, compute and kernel with the pattern map, and answers
`unsupported` to anything else.
"""

import hashlib
import json
import os
import platform
import queue
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

WORD = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(value):
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & WORD
    return value ^ (value >> 31)


def digest(outputs):
    packed = b"".join(output.to_bytes(8, "little") for output in outputs)
    return hashlib.sha256(packed).hexdigest()[:16]


def xorshift(value, iterations):
    x = value or 1
    for _ in range(iterations):
        x ^= (x << 13) & WORD
        x ^= x >> 7
        x ^= (x << 17) & WORD
    return x


def gcd(index, tasks, value):
    drawn = []
    for _ in range(2):
        value = (value + GOLDEN) & WORD
        drawn.append(1_000_000 + (mix(value) * 10_000 >> 64))
    a, b = drawn
    return next(n for n in range(min(a, b), 0, -1) if a % n == 0 and b % n == 0)


def mandelbrot(index, tasks, value):
    imaginary = -1.25 + 2.5 * (index + 0.5) / tasks
    total = 0
    for column in range(256):
        real = -2.0 + 2.5 * (column + 0.5) / 256
        x = y = 0.0
        escape = 400
        for k in range(400):
            xx, yy = x * x, y * y
            if xx + yy > 4.0:
                escape = k
                break
            y = 2.0 * x * y + imaginary
            x = xx - yy + real
        total += escape
    return total


KERNELS = {"gcd": gcd, "mandelbrot": mandelbrot}


def run(task, tasks):
    value = int(task["seed"], 16)
    for step in task["steps"]:
        if "wait" in step:
            time.sleep(step["wait"]["ns"] / 1e9)
        elif "compute" in step:
            value = xorshift(value, step["compute"]["iterations"])
        else:
            kernel = KERNELS[step["kernel"]["name"]]
            value = mix(value ^ kernel(task["index"], tasks, value))
    return value


def unsupported(header, tasks):
    """Why this runner does not do the workload; None if it does."""
    if header["pattern"] != "map":
        return f"this runner has no pattern but map, not {json.dumps(header['pattern'])}"
    for action in header["actions"]:
        if action not in ("wait", "compute", "kernel"):
            return f"this runner has no step `{action}`"
    for task in tasks:
        for step in task["steps"]:
            if "kernel" in step and step["kernel"]["name"] not in KERNELS:
                return f"this runner has no kernel `{step['kernel']['name']}`"
    return None


class Runner:
    def __init__(self):
        self.pool = None
        self.tasks = []

    def load(self, request):
        self.close()
        with open(request["inputs"], encoding="utf-8") as lines:
            header, *self.tasks = map(json.loads, lines)
        reason = unsupported(header, self.tasks)
        if reason is not None:
            return {"reply": "unsupported", "reason": reason}
        begin = time.perf_counter_ns()
        # The executor starts its threads when they are first needed, so most of the setup falls into the
        # first sample. That is how people use it.
        self.pool = ThreadPoolExecutor(request["workers"])
        return {"reply": "loaded", "setup_ns": time.perf_counter_ns() - begin}

    def sample(self):
        if self.pool is None:
            raise RuntimeError("nothing is loaded: `load` comes first")
        count = len(self.tasks)
        begin = time.perf_counter_ns()
        outputs = list(self.pool.map(lambda task: run(task, count), self.tasks))
        return digest(outputs), time.perf_counter_ns() - begin

    def answer(self, request):
        if request["request"] == "hello":
            return {
                "reply": "hello",
                "protocol": 1,
                "name": "python",
                "version": f"{platform.python_implementation()} {platform.python_version()}",
                "variants": [{"name": "", "about": "ThreadPoolExecutor.map", "concurrency": "workers"}],
                "own_threads": 1,
            }
        if request["request"] == "load":
            return self.load(request)
        if request["request"] == "sample":
            found, wall_ns = self.sample()
            return {"reply": "sample", "digest": found, "wall_ns": wall_ns}
        if request["request"] == "trace":
            found, _ = self.sample()
            return {"reply": "trace", "digest": found}
        raise ValueError(f"there is no request `{request['request']}` here")

    def close(self):
        if self.pool is not None:
            self.pool.shutdown()
            self.pool = None


def read(requests):
    """In a thread of its own: the end of input ends the runner, whatever it is doing, unless it was told to
    quit: then what was asked before is still answered."""
    for line in sys.stdin:
        requests.put(line)
        if '"quit"' in line:
            return
    os._exit(0)


def main():
    if sys.stdin.isatty():
        sys.exit("This is a runner: see docs/protocol.md.")
    requests = queue.SimpleQueue()
    threading.Thread(target=read, args=(requests,), daemon=True).start()
    runner = Runner()
    while True:
        try:
            request = json.loads(requests.get())
            if request["request"] == "quit":
                break
            reply = runner.answer(request)
        except Exception as error:  # whatever it is, the comparison is told
            reply = {"reply": "failed", "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)
    # Not by falling off the end: the interpreter would wait for the thread that reads.
    os._exit(0)


if __name__ == "__main__":
    main()

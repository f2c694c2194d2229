"""Item 58: the Game of Life with queues between its steps: the program has to be rebuilt for it.

python3 docs/items/item_58.py [SECOND]
"""

import queue
import sys
import threading
import time

from life import after_four, rule

WAIT = 0.001 * (float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
END = object()


def worker(inputs, outputs, work):
    """Passes each item through `work`; an exception travels as the output."""
    while (item := inputs.get()) is not END:
        place, value = item
        try:
            outputs.put((place, work(value)))
        except Exception as error:
            outputs.put((place, error))


def read(value):
    time.sleep(WAIT)
    grid, (y, x) = value
    return grid.is_alive(y, x), grid.neighbours(y, x)


def apply(value):
    if isinstance(value, Exception):
        raise value
    return rule(*value)


to_read, to_apply, results = queue.Queue(8), queue.Queue(8), queue.Queue()
readers = [threading.Thread(target=worker, args=(to_read, to_apply, read), daemon=True) for _ in range(16)]
appliers = [threading.Thread(target=worker, args=(to_apply, results, apply), daemon=True) for _ in range(2)]


def step(grid):
    for place in grid.positions():
        to_read.put((place, (grid, place)))
    cells = {}
    for _ in grid.positions():
        place, alive = results.get()
        if isinstance(alive, Exception):
            raise alive
        cells[place] = alive
    return grid.with_cells([cells[place] for place in grid.positions()])


for thread in readers + appliers:
    thread.start()
after_four(step)
for threads, inputs in [(readers, to_read), (appliers, to_apply)]:
    for _ in threads:
        inputs.put(END)
    for thread in threads:
        thread.join()

# A queue without a bound: while the consumer does not come to it, everything waits in memory.
unbounded = queue.Queue()
for item in range(1_000):
    unbounded.put(item)
print(f"{unbounded.qsize()} items wait in a queue without a bound, {to_read.maxsize} in one with")

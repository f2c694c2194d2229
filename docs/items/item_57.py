"""Item 57: the Game of Life with a thread for each cell, and an exception that gets lost.

python3 docs/items/item_57.py [SECOND]
"""

import sys
import threading
import time

from life import GLIDER, Grid, after_four, rule

WAIT = 0.001 * (float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)


def step(grid):
    cells = {}
    lock = threading.Lock()

    def one(y, x):
        time.sleep(WAIT)
        alive = rule(grid.is_alive(y, x), grid.neighbours(y, x))
        with lock:
            cells[y, x] = alive

    threads = [threading.Thread(target=one, args=place) for place in grid.positions()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return grid.with_cells([cells[place] for place in grid.positions()])


after_four(step)

# A failed thread joins as any other: the caller sees a result too few, and no exception.
threading.excepthook = lambda _: None
found = []


def failing_cell(y, x):
    if (y, x) == (2, 2):
        raise OSError("this cell cannot be read")
    found.append((y, x))


grid = Grid(GLIDER)
threads = [threading.Thread(target=failing_cell, args=place) for place in grid.positions()]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(found) == len(grid.positions()) - 1
print(f"{len(found)} of {len(threads)} cells came back, and no exception did")

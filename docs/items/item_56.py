"""Item 56: the Game of Life, which needs no concurrency until its cells wait.

python3 docs/items/item_56.py [SECOND]
"""

import sys
import time

from life import after_four, rule

WAIT = 0.001 * (float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)


def step(grid):
    return grid.with_cells([rule(grid.is_alive(y, x), grid.neighbours(y, x)) for y, x in grid.positions()])


def step_with_io(grid):
    cells = []
    for y, x in grid.positions():
        time.sleep(WAIT)  # The cell is kept somewhere else.
        cells.append(rule(grid.is_alive(y, x), grid.neighbours(y, x)))
    return grid.with_cells(cells)


for title, one in [("computing", step), ("with a wait per cell", step_with_io)]:
    start = time.monotonic()
    after_four(one)
    elapsed = time.monotonic() - start
    print(f"{title}: {elapsed:.3f} s")
assert elapsed >= 4 * 45 * WAIT

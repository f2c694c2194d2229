"""Item 59: ten numbers doubled in a pool of four, and the Game of Life on such a pool.

python3 docs/items/item_59.py [SECOND]
"""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from life import after_four, rule

WAIT = 0.001 * (float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)

with ThreadPoolExecutor(max_workers=4) as pool:
    assert list(pool.map(lambda number: 2 * number, range(10))) == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]

    def step(grid):
        def one(place):
            time.sleep(WAIT)
            return rule(grid.is_alive(*place), grid.neighbours(*place))

        return grid.with_cells(pool.map(one, grid.positions()))

    after_four(step)

    def failing():
        raise OSError("this cell cannot be read")

    # The exception is kept for the one who asks for the result.
    error = pool.submit(failing).exception()
    assert isinstance(error, OSError)
    print(f"the error of a job: {error}; threads: {threading.active_count() - 1}")

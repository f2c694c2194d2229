"""Item 60: ten fetches gathered on one thread, and the Game of Life with a coroutine per cell.

python3 docs/items/item_60.py [SECOND]
"""

import asyncio
import sys
import time

from life import GLIDER, Grid, rule

DELAY = 0.02 * (float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)


async def answer(reader, writer):
    number = int(await reader.readline())
    await asyncio.sleep(DELAY)
    writer.write(b"%d\n" % number**2)
    writer.close()


async def fetch(port, number):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"%d\n" % number)
    result = int(await reader.readline())
    writer.close()
    return result


async def step(grid):
    async def one(y, x):
        await asyncio.sleep(DELAY)
        return rule(grid.is_alive(y, x), grid.neighbours(y, x))

    return grid.with_cells(await asyncio.gather(*(one(*place) for place in grid.positions())))


async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    start = time.monotonic()
    gathered = await asyncio.gather(*(fetch(port, number) for number in range(10)))
    print(f"gathered: {time.monotonic() - start:.3f} s")
    assert gathered == [number**2 for number in range(10)]

    start = time.monotonic()
    in_turn = [await fetch(port, number) for number in range(10)]
    elapsed = time.monotonic() - start
    print(f"awaited in a loop: {elapsed:.3f} s")
    assert in_turn == gathered and elapsed >= 10 * DELAY * 0.99
    server.close()

    grid = Grid(GLIDER)
    for _ in range(4):
        grid = await step(grid)
    assert grid == Grid(GLIDER).moved(1, 1)


asyncio.run(main())

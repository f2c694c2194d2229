"""Item 63: a job that blocks the event loop, the debug mode that names it, and the job beside it.

python3 docs/items/item_63.py [SECOND]
"""

import asyncio
import logging
import queue
import sys

PATIENCE = 0.3 * (float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
TICKS = 3

reports = []
logging.getLogger("asyncio").addHandler(logging.NullHandler())
logging.getLogger("asyncio").addFilter(lambda record: reports.append(record.getMessage()))


async def beat(ticks):
    while True:
        ticks.put(None)
        await asyncio.sleep(0.001)


def wait_for(ticks, patience):
    """A blocking job that ends after some ticks of the loop, or for lack of patience."""
    for seen in range(TICKS):
        try:
            ticks.get(timeout=patience)
        except queue.Empty:
            return seen
    return TICKS


async def in_the_loop():
    ticks = queue.Queue()
    heart = asyncio.create_task(beat(ticks))
    seen = wait_for(ticks, PATIENCE)
    heart.cancel()
    return seen


async def beside_the_loop():
    ticks = queue.Queue()
    heart = asyncio.create_task(beat(ticks))
    seen = await asyncio.to_thread(wait_for, ticks, 60)
    heart.cancel()
    return seen


async def main():
    asyncio.get_running_loop().slow_callback_duration = PATIENCE / 4
    blocked = asyncio.create_task(in_the_loop())
    print(f"in the loop: {await blocked} of {TICKS} ticks while the job ran")
    assert blocked.result() == 0
    seen = await beside_the_loop()
    assert seen == TICKS
    print(f"beside it: {seen} of {TICKS} ticks while the job ran")


asyncio.run(main(), debug=True)
slow = [report for report in reports if report.startswith("Executing ")]
assert slow, reports

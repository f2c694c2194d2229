"""Item 62: a blocking function called from a coroutine, and a coroutine called from a thread.

python3 docs/items/item_62.py
"""

import asyncio
import concurrent.futures
import threading


def blocking_read():
    with open(__file__, "rb") as file:
        return len(file.read())


async def square(number):
    return number * number


async def from_the_top():
    lengths = await asyncio.gather(*(asyncio.to_thread(blocking_read) for _ in range(4)))
    assert len(lengths) == 4 and all(lengths)


def from_the_bottom():
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    calls = [asyncio.run_coroutine_threadsafe(square(number), loop) for number in range(4)]
    assert [call.result(timeout=60) for call in calls] == [0, 1, 4, 9]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def waiting_for_oneself():
    """The loop's only thread waits for what only the loop can do. Without the timeout: for good."""
    call = asyncio.run_coroutine_threadsafe(square(3), asyncio.get_running_loop())
    try:
        call.result(timeout=0.05)
        raise AssertionError("the loop did not turn")
    except concurrent.futures.TimeoutError:
        print("no answer: the loop was waiting for it")


asyncio.run(from_the_top())
from_the_bottom()
asyncio.run(waiting_for_oneself())

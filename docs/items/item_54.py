"""Item 54: a hundred threads and a counter, with and without the lock.

python3 docs/items/item_54.py
"""

import threading

THREADS = 100
READINGS = 100


class Counter:
    """Not safe: an update is a load and a store, and a thread may lose its turn between them."""

    def __init__(self):
        self.count = 0
        self.all_have_loaded = threading.Barrier(THREADS)

    def sample(self):
        count = self.count
        self.all_have_loaded.wait()  # The worst order, which the scheduler may choose.
        self.count = count + 1
        for _ in range(1, READINGS):
            self.count += 1


class LockingCounter:
    def __init__(self):
        self.count = 0
        self.lock = threading.Lock()

    def sample(self):
        for _ in range(READINGS):
            with self.lock:
                self.count += 1


def count_with(counter):
    threads = [threading.Thread(target=counter.sample, daemon=True) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{type(counter).__name__}: {counter.count} of {THREADS * READINGS}")
    return counter.count


assert count_with(Counter()) < THREADS * READINGS
assert count_with(LockingCounter()) == THREADS * READINGS

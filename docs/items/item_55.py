"""Item 55: five workers on a queue, a join when all is done, and an end.

python3 docs/items/item_55.py
"""

import queue
import threading

ITEMS = 1_000
BAD = 13
END = object()


def process(item):
    if item == BAD:
        raise ValueError("no worker can process this")
    return item * item


def work(todo, done):
    while True:
        item = todo.get()
        try:
            if item is END:
                return
            done.append(process(item))
        except ValueError:
            pass
        finally:
            todo.task_done()  # Forgotten on one path, and the join never returns.


todo = queue.Queue(maxsize=10)
done = []
workers = [threading.Thread(target=work, args=(todo, done), daemon=True) for _ in range(5)]
for worker in workers:
    worker.start()
for item in range(ITEMS):
    todo.put(item)
todo.join()
assert len(done) == ITEMS - 1
for _ in workers:
    todo.put(END)
for worker in workers:
    worker.join()

# A worker that skips `task_done` once: the queue is empty, and never counts as done.
todo = queue.Queue()
todo.put(BAD)
try:
    process(todo.get())
    todo.task_done()
except ValueError:
    pass
assert todo.empty() and todo.unfinished_tasks == 1
print(f"{len(done)} items done; counted by hand, {todo.unfinished_tasks} stays unfinished")

"""Item 53: five blocking calls on threads, and computing, which threads do not make faster.

python3 docs/items/item_53.py [SECOND]
"""

import socket
import sys
import threading
import time

WAIT = 0.1 * (float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)


def slow_call():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(WAIT)
        try:
            receiver.recv(1)
            raise AssertionError("nothing is sent")
        except socket.timeout:
            pass


def factors(number):
    return [n for n in range(1, number + 1) if number % n == 0]


def timed(title, work):
    start = time.monotonic()
    work()
    elapsed = time.monotonic() - start
    print(f"{title}: {elapsed:.2f} s")
    return elapsed


def in_turn(work, inputs):
    for arguments in inputs:
        work(*arguments)


def on_threads(work, inputs):
    threads = [threading.Thread(target=work, args=arguments) for arguments in inputs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


waits = [()] * 5
assert timed("waits in turn", lambda: in_turn(slow_call, waits)) >= 5 * WAIT
timed("waits on threads", lambda: on_threads(slow_call, waits))

# Under the global interpreter lock the second is no faster than the first.
numbers = [(213_907,), (121_475,), (151_663,), (185_228,)]
timed("computing in turn", lambda: in_turn(factors, numbers))
timed("computing on threads", lambda: on_threads(factors, numbers))

"""Item 52: the output of a child, five children at once, and a time limit.

python3 docs/items/item_52.py [SECOND]
"""

import os
import signal
import subprocess
import sys
import time

SECOND = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


def output_and_input():
    done = subprocess.run(["echo", "hello from the child"], capture_output=True, text=True, check=True)
    assert done.stdout == "hello from the child\n"
    done = subprocess.run(["sort"], input="pear\napple\n", capture_output=True, text=True, check=True)
    assert done.stdout == "apple\npear\n"


def five_at_once():
    start = time.monotonic()
    children = [subprocess.Popen(["sleep", str(SECOND)]) for _ in range(5)]
    for child in children:
        assert child.wait() == 0
    print(f"five children took {time.monotonic() - start:.2f} s")


def time_limit():
    """The timeout ends the wait, `kill` the shell. Its own child runs on, until the group is killed."""
    tree = ["sh", "-c", "sleep 60 & echo $!; wait"]
    with subprocess.Popen(tree, stdout=subprocess.PIPE, text=True, start_new_session=True) as shell:
        grandchild = int(shell.stdout.readline())
        try:
            shell.wait(timeout=SECOND)
            raise AssertionError("it takes a minute")
        except subprocess.TimeoutExpired:
            shell.kill()
        shell.wait()
        os.kill(grandchild, 0)  # Raises if the grandchild were gone.
        print("the shell is gone, its child is not")
        os.killpg(shell.pid, signal.SIGKILL)


output_and_input()
five_at_once()
time_limit()

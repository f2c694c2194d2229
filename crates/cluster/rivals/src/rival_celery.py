"""Celery: worker processes of one job at a time, over a Redis server on the loopback interface.

The server and the workers end with this program, and the server keeps nothing on disk.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile

from celery import Celery

import rival_pipes

CHUNK = 100

app = Celery("rival_celery", broker=os.environ.get("RIVAL_REDIS"), backend=os.environ.get("RIVAL_REDIS"))
app.conf.update(task_serializer="pickle", result_serializer="pickle", accept_content=["pickle"])


# By this name for the workers too, which import this file as a module.
@app.task(name="rival.echo")
def echo(data):
    return data


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(folder):
    server = shutil.which("redis-server")
    if server is None:
        sys.exit("there is no redis-server")
    port = free_port()
    redis = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    yield subprocess.Popen(redis, stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    app.conf.update(broker_url=url, result_backend=url)
    command = [sys.executable, "-m", "celery", "-A", "rival_celery", "worker", "--pool", "solo"]
    for number in range(rival_pipes.WORKERS):
        yield subprocess.Popen(
            command + ["-n", f"rival{number}", "--without-gossip", "--without-mingle", "-l", "ERROR"],
            env={**os.environ, "RIVAL_REDIS": url, "C_FORCE_ROOT": "1"},
            cwd=os.path.dirname(os.path.abspath(__file__)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def run_all(inputs):
    chunks = echo.chunks([(data,) for data in inputs], CHUNK).apply_async().get()
    return [result for chunk in chunks for result in chunk]


def main():
    started = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            started.extend(start(folder))
            rival_pipes.serve(echo.delay, lambda job: job.get(), run_all)
        finally:
            for process in started:
                process.kill()
                process.wait()


if __name__ == "__main__":
    main()

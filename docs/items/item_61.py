"""Item 61: a line server with a thread for each connection, and its port to asyncio.

python3 docs/items/item_61.py
"""

import asyncio
import socket
import threading

CLIENTS = 10


# With threads.
def session(connection):
    total = 0
    with connection, connection.makefile("rw") as lines:
        for line in lines:
            total += int(line)
            print(total, file=lines, flush=True)


def serve(listener):
    for _ in range(CLIENTS):
        connection, _ = listener.accept()
        threading.Thread(target=session, args=(connection,), daemon=True).start()


def client(port, number, all_are_connected, results):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        with connection.makefile("rw") as lines:
            print(number, file=lines, flush=True)
            lines.readline()
            all_are_connected.wait()
            print(2 * number, file=lines, flush=True)
            results[number] = int(lines.readline())


def with_threads():
    results = {}
    all_are_connected = threading.Barrier(CLIENTS)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        threads = [threading.Thread(target=serve, args=(listener,), daemon=True)]
        for number in range(CLIENTS):
            arguments = (port, number, all_are_connected, results)
            threads.append(threading.Thread(target=client, args=arguments, daemon=True))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return results


# Ported: the same steps, with an `await` at each wait.
async def async_session(reader, writer):
    total = 0
    while line := await reader.readline():
        total += int(line)
        writer.write(b"%d\n" % total)
        await writer.drain()
    writer.close()


async def async_client(port, number):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"%d\n" % number)
    await reader.readline()
    writer.write(b"%d\n" % (2 * number))
    result = int(await reader.readline())
    writer.close()
    await writer.wait_closed()
    return result


async def ported():
    server = await asyncio.start_server(async_session, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sums = await asyncio.gather(*(async_client(port, number) for number in range(CLIENTS)))
    server.close()
    return dict(enumerate(sums))


assert with_threads() == asyncio.run(ported()) == {number: 3 * number for number in range(CLIENTS)}
print(f"{CLIENTS} clients got the same answers from both servers")

#!/usr/bin/env python3
"""A client of the number-guessing line servers, with nothing but the standard library.

    cargo run -p effective-threads --example line_server        prints the ADDRESS
    python3 docs/guess_client.py ADDRESS [--asyncio]

The server guesses, this client knows the secret. What it says is the same whether it blocks or awaits, and whichever of
the servers listens.
"""

import argparse
import asyncio
import socket

ROUNDS = [(1, 5, 3), (10, 15, 12)]
PATIENCE = 30.0


class Player:
    """What a client remembers of its round."""

    def __init__(self, secret):
        self.secret = secret
        self.last_distance = None

    def judge(self, number):
        distance, before = abs(number - self.secret), self.last_distance
        self.last_distance = distance
        if distance == 0:
            return "Correct"
        if before is None or distance == before:
            return "Unsure"
        return "Warmer" if distance < before else "Colder"


def parse(line):
    """The guess in an answer."""
    text = line.decode()
    if not text.endswith("\n"):
        raise SystemExit("the server closed the connection in the middle of a round")
    if text.startswith("ERROR "):
        raise SystemExit(f"the server says: {text.strip()}")
    return int(text)


def show(number, report):
    print(f"{number} is {report}")


def play_blocking(host, port):
    with socket.create_connection((host, port), timeout=PATIENCE) as connection:
        with connection.makefile("rwb") as file:

            def send(command):
                file.write(f"{command}\n".encode())
                file.flush()

            for lower, upper, secret in ROUNDS:
                player, report = Player(secret), None
                send(f"PARAMS {lower} {upper}")
                while report != "Correct":
                    send("NUMBER")
                    number = parse(file.readline())
                    report = player.judge(number)
                    send(f"REPORT {report}")
                    show(number, report)
                send("PARAMS 0 -1")


async def play_async(host, port):
    reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), PATIENCE)

    async def send(command):
        writer.write(f"{command}\n".encode())
        await writer.drain()

    try:
        for lower, upper, secret in ROUNDS:
            player, report = Player(secret), None
            await send(f"PARAMS {lower} {upper}")
            while report != "Correct":
                await send("NUMBER")
                number = parse(await asyncio.wait_for(reader.readline(), PATIENCE))
                report = player.judge(number)
                await send(f"REPORT {report}")
                show(number, report)
            await send("PARAMS 0 -1")
    finally:
        writer.close()
        await writer.wait_closed()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", help="HOST:PORT, as the server prints it")
    manner = parser.add_mutually_exclusive_group()
    manner.add_argument("--blocking", action="store_true", help="with a socket (the default)")
    manner.add_argument("--asyncio", action="store_true", help="with streams of asyncio")
    arguments = parser.parse_args()
    host, _, port = arguments.address.rpartition(":")
    host = host.strip("[]")
    if arguments.asyncio:
        asyncio.run(play_async(host, int(port)))
    else:
        play_blocking(host, int(port))


if __name__ == "__main__":
    main()

"""What a pod does to find out where it gets through; runs inside pods, with nothing but Python's standard library.

Mounted from a ConfigMap by harness.pods and started with `python3 /probe/probe.py COMMAND …`:

    serve PORT             answer TCP, as a service in the cluster does
    try JSON               try destinations, all at once, and print what became of each
    resolve                read names from the input, a line each, and print what the pod's resolver says of each
    hammer STOP JSON       try destinations every few milliseconds until the file STOP is there, and count
    outlast UNTIL HOST PORT  keep a TLS connection busy, and knock with new ones, until neither works or UNTIL has come

Of a destination it says `through` when an answer came back and `blocked` when none came in time; anything else is the
error's name, and no evidence of a wall.
"""

import collections
import concurrent.futures
import http.client
import json
import os
import pathlib
import socket
import socketserver
import ssl
import sys
import threading
import time
from typing import Any

PATIENCE = 2.0  # seconds; a lost first packet is sent again after one
EVERY = 0.05  # seconds between two attempts of the hammer
TALK = 0.1  # seconds between two requests on a connection that stands, and between two new ones beside it
_QUERY = bytes.fromhex("b01701000001000000000000") + b"\x03api\x07example\x00" + bytes.fromhex("00010001")


def attempt(kind: str, host: str, port: int, onward: str = "") -> str:
    """Try one destination."""
    try:
        answered = _KINDS[kind](host, port, onward)
    except TimeoutError:
        return "blocked"
    except socket.gaierror as failure:
        # The resolver did not answer, or it answered that there is no such name.
        return {socket.EAI_AGAIN: "blocked", socket.EAI_NONAME: "no such name"}.get(failure.errno or 0, str(failure))
    except OSError as failure:
        return type(failure).__name__ if failure.errno is None else os.strerror(failure.errno)
    return "through" if answered else "no answer"


def _tcp(host: str, port: int, _onward: str) -> bool:
    with socket.create_connection((host, port), timeout=PATIENCE):
        return True


def _datagram(host: str, port: int, _onward: str) -> bool:
    return bool(_exchange(host, port, b"bolwerk"))


def _resolver(host: str, port: int, _onward: str) -> bool:
    return _exchange(host, port, _QUERY)[:2] == _QUERY[:2]


def _exchange(host: str, port: int, data: bytes) -> bytes:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE)
        sock.connect((host, port))
        sock.send(data)
        return sock.recv(512)


def _proxy(host: str, port: int, onward: str) -> bool:
    with socket.create_connection((host, port), timeout=PATIENCE) as sock:
        sock.sendall(f"CONNECT {onward} HTTP/1.1\r\nHost: {onward}\r\n\r\n".encode())
        return b" 200 " in sock.recv(512).partition(b"\r\n")[0]


def _name(host: str, port: int, _onward: str) -> bool:
    return bool(socket.getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_STREAM))


_KINDS = {"tcp": _tcp, "datagram": _datagram, "resolver": _resolver, "proxy": _proxy, "name": _name}


def serve(port: int) -> None:
    """Answer whoever connects, for ever."""

    class Answer(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(b"in the cluster\n")

    with socketserver.ThreadingTCPServer(("", port), Answer) as server:
        server.serve_forever()


def try_all(destinations: list[list[Any]]) -> list[str]:
    """Try destinations at once."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=32) as threads:
        return list(threads.map(lambda each: attempt(*each), destinations))


def resolve(names: list[str]) -> dict[str, str]:
    """Ask the pod's resolver for names, each as it stands, with no search list behind it."""
    return dict(zip(names, try_all([["name", f"{name}.", 0] for name in names]), strict=True))


def hammer(stop: str, destinations: list[list[Any]]) -> dict[str, dict[str, int]]:
    """Try destinations again and again, not waiting for one attempt before the next."""
    counted: dict[str, collections.Counter[str]] = {
        f"{each[0]} {each[1]}": collections.Counter() for each in destinations
    }
    running: list[threading.Thread] = []

    def once(each: list[Any]) -> None:
        counted[f"{each[0]} {each[1]}"][attempt(*each)] += 1

    while not pathlib.Path(stop).exists():
        started = time.monotonic()
        running = [thread for thread in running if thread.is_alive()]
        for each in destinations:
            running.append(threading.Thread(target=once, args=(each,)))
            running[-1].start()
        time.sleep(max(0.0, EVERY - (time.monotonic() - started)))
    for thread in running:
        thread.join()
    return {name: dict(counter) for name, counter in counted.items()}


def outlast(until: float, host: str, port: int) -> dict[str, Any]:
    """Tell how long a connection that stands, and how long new ones, get an answer; instants in seconds since 1970."""
    told: dict[str, Any] = {"answers": 0, "answered": 0.0, "ended": "not before it was given up", "opened": 0.0}

    def converse() -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=PATIENCE, context=context)
        try:
            connection.connect()
            connection.auto_open = 0  # one that has ended is not replaced on the sly
            while time.time() < until:
                connection.request("GET", "/")
                connection.getresponse().read()
                told.update(answers=told["answers"] + 1, answered=time.time())
                time.sleep(TALK)
        except TimeoutError:
            told["ended"] = "no answer any more"
        except (OSError, http.client.HTTPException) as failure:
            told["ended"] = f"{type(failure).__name__}: {failure}"
        finally:
            connection.close()

    def knock() -> None:
        if attempt("tcp", host, port) == "through":
            told["opened"] = time.time()

    conversation = threading.Thread(target=converse)
    conversation.start()
    started = time.time()
    knocking: list[threading.Thread] = []
    while (now := time.time()) < until and (
        conversation.is_alive() or now < max(told["opened"], started) + 2 * PATIENCE
    ):
        knocking = [each for each in knocking if each.is_alive()]
        knocking.append(threading.Thread(target=knock))
        knocking[-1].start()
        time.sleep(TALK)
    for thread in (conversation, *knocking):
        thread.join()
    return told


def main(command: str, *arguments: str) -> None:
    """Do what is asked and print the outcome as JSON."""
    if command == "serve":
        serve(int(arguments[0]))
    elif command == "try":
        print(json.dumps(try_all(json.loads(arguments[0]))))
    elif command == "resolve":
        print(json.dumps(resolve(sys.stdin.read().split())))
    elif command == "hammer":
        print(json.dumps(hammer(arguments[0], json.loads(arguments[1]))))
    elif command == "outlast":
        print(json.dumps(outlast(float(arguments[0]), arguments[1], int(arguments[2]))))
    else:
        sys.exit(f"no command {command!r}; see the head of {__file__}")


if __name__ == "__main__":
    main(*sys.argv[1:])

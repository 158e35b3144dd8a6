"""Liveness and readiness on a port of their own, answered by a thread.

A thread, because it still answers, with the reason, when the event loop is stuck; and because kopf takes asyncio
tasks that appear after its start for its own. Works in standby too.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from typing_extensions import override

__all__ = ["Health", "serve"]

STUCK_AFTER_SECONDS = 30.0


@dataclass
class Health:
    """What the probes are told; written by the event loop, read by the thread."""

    beaten_at: float = field(default_factory=time.monotonic)
    ready: bool = False
    role: str = "starting"

    def beat(self) -> None:
        """Take note that the event loop turns."""
        self.beaten_at = time.monotonic()

    def answer(self, path: str) -> tuple[int, str]:
        """Answer a probe with an HTTP status and a sentence."""
        age = time.monotonic() - self.beaten_at
        if path == "/healthz":
            if age > STUCK_AFTER_SECONDS:
                return 503, f"the event loop has not turned for {age:.0f} s\n"
            return 200, "ok\n"
        if path == "/readyz":
            return (200 if self.ready else 503), f"{self.role}\n"
        return 404, "try /healthz or /readyz\n"


def serve(health: Health, *, port: int) -> ThreadingHTTPServer:
    """Answer probes on all addresses of a port, from a daemon thread, until `shutdown`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, text = health.answer(self.path.split("?", 1)[0])
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Probes come every few seconds: an idle operator is silent."""

    server = ThreadingHTTPServer(("", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server

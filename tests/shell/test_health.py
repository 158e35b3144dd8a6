"""What the probes are told."""

import http.client
from collections.abc import Iterator

import pytest

from bolwerk.shell import health
from bolwerk.shell.health import Health


@pytest.mark.parametrize(
    ("path", "ready", "stuck_for", "want"),
    [
        pytest.param("/healthz", False, 0, (200, "ok\n"), id="alive while it starts"),
        pytest.param("/healthz", True, 100, (503, "the event loop has not turned for 100 s\n"), id="a stuck loop"),
        pytest.param("/readyz", False, 0, (503, "standby\n"), id="not ready yet"),
        pytest.param("/readyz", True, 0, (200, "standby\n"), id="a standby is ready"),
        pytest.param("/else", True, 0, (404, "try /healthz or /readyz\n"), id="another path"),
    ],
)
def test_answers(path: str, ready: bool, stuck_for: float, want: tuple[int, str]) -> None:
    told = Health(ready=ready, role="standby")
    told.beaten_at -= stuck_for

    assert told.answer(path) == want


@pytest.fixture
def port() -> Iterator[int]:
    server = health.serve(Health(ready=True, role="leading"), port=0)
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_it_is_served_over_http(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/readyz?verbose")
    answer = connection.getresponse()

    assert (answer.status, answer.read()) == (200, b"leading\n")
    connection.close()

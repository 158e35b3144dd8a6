"""One line for each event, readable by people and machines."""

import logging

import pytest

from bolwerk.core.kinds import SERVICE, Ref
from bolwerk.shell.logs import Logfmt


@pytest.mark.parametrize(
    ("extra", "want"),
    [
        ({}, "level=info logger=bolwerk msg=applied"),
        ({"model": "team/chat"}, "msg=applied model=team/chat"),
        ({"object": Ref(SERVICE, "team", "chat")}, 'object="Service team/chat"'),
        ({"error": 'a "quoted"\nline'}, r'error="a \"quoted\"\nline"'),
        ({"empty": ""}, 'empty=""'),
        ({"forged": "x level=error"}, 'forged="x level=error"'),
    ],
)
def test_a_record_is_one_line_of_key_and_value(extra: dict[str, object], want: str) -> None:
    record = logging.getLogger("bolwerk").makeRecord("bolwerk", logging.INFO, "f", 1, "applied", (), None, extra=extra)

    line = Logfmt().format(record)

    assert line.startswith("ts=")
    assert want in line
    assert "\n" not in line

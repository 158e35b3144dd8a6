"""The bench's own arithmetic, and that recording one result keeps the others."""

import json
from pathlib import Path

import pytest

from bench import measure, report
from harness.audit import AuditLog


@pytest.mark.parametrize(
    ("share", "want"),
    [
        pytest.param(0.5, 2.0, id="of four values the second is the median"),
        pytest.param(0.75, 3.0, id="three quarters do not exceed the third"),
        pytest.param(0.99, 4.0, id="of four values the worst is the 99th percentile"),
        pytest.param(0.0, 1.0, id="no share at all is the best value"),
    ],
)
def test_a_percentile_is_a_value_that_was_measured(share: float, want: float) -> None:
    assert measure.Spread((4.0, 1.0, 3.0, 2.0)).at(share) == want


def line(
    verb: str, resource: str, *, user: str = "bolwerk", code: int = 200, at: int = 0, subresource: str | None = None
) -> str:
    return json.dumps(
        {
            "verb": verb,
            "user": {"username": user},
            "objectRef": {"resource": resource, "subresource": subresource},
            "responseStatus": {"code": code},
            "requestReceivedTimestamp": f"2026-11-24T08:00:0{at}.000000Z",
            "stageTimestamp": f"2026-11-24T08:00:0{at}.500000Z",
        }
    )


def test_a_window_counts_one_user_and_keeps_leases_apart(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text(line("patch", "services") + "\n", encoding="utf-8")
    audit = AuditLog(log)
    mark = audit.mark()
    later = [
        line("get", "services", at=1, code=404),
        line("patch", "services", at=2, code=201),
        line("patch", "localmodels", subresource="status", at=3),
        line("update", "leases", at=4),
        line("patch", "services", user="somebody", at=5),
        line("get", "services", at=6),
    ]
    with log.open("a", encoding="utf-8") as file:
        file.writelines(f"{each}\n" for each in later)

    got = measure.window(audit, mark, user="bolwerk")

    assert got.writes == {("patch", "services"): 1, ("patch", "localmodels/status"): 1}
    assert got.requests.total() == 4
    assert got.failed == {("get", "services", 404): 1}
    assert got.leases == 1
    assert got.last_write - got.first == pytest.approx(2.5)
    assert got.last - got.first == pytest.approx(5.5)


def test_recording_replaces_the_section_of_the_same_size_only() -> None:
    small, big = "## 500 LocalModels\n\nold\n", "## 10,000 LocalModels\n\nkept\n"

    got = report.recorded(f"# Benchmarks\n\n{small}\n{big}", "## 500 LocalModels\n\nnew\n")

    assert got.startswith("# Benchmarks")
    assert "old" not in got
    assert got.index("new") < got.index("kept")
    assert report.recorded(got, "## 500 LocalModels\n\nnew\n") == got

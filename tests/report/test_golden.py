"""The report of one cluster in all four formats, as committed: read the difference before you commit it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bolwerk.core.report.machine import as_json
from bolwerk.core.report.markdown import as_markdown
from bolwerk.core.report.page import as_html
from bolwerk.core.report.report import report
from bolwerk.core.report.text import as_text
from bolwerk.core.report.told import told
from bolwerk.core.report.world import World
from bolwerk.data import report_template
from report.cluster import NOW, SETTINGS, world

GOLDEN = Path(__file__).parent / "golden"


def shown(cluster: World, ending: str) -> str:
    found = report(cluster, NOW)
    if ending == "json":
        return as_json(found) + "\n"
    document = told(found)
    if ending == "html":
        return as_html(document, report_template())
    return as_markdown(document) if ending == "md" else as_text(document)


@pytest.mark.parametrize("ending", ["txt", "md", "json", "html"])
@pytest.mark.parametrize(
    ("case", "cluster"),
    [
        pytest.param("everything", world(), id="one of everything"),
        pytest.param("empty", World(settings=SETTINGS, version="0.1.0"), id="an empty cluster"),
    ],
)
def test_a_report_is_shown_as_committed(case: str, cluster: World, ending: str, *, update_golden: bool) -> None:
    text = shown(cluster, ending)

    path = GOLDEN / f"{case}.{ending}"
    if update_golden:
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")

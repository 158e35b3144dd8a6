"""What the report says of the audit trail, and of who may change the rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from bolwerk.core.audit.action import Action
from bolwerk.core.audit.entry import Fact, Head, chain
from bolwerk.core.line import Line
from bolwerk.core.report.report import report
from bolwerk.core.report.rights import RIGHTS
from bolwerk.core.report.trail import MOST, trail
from report.cluster import (
    NOW,
    world,
)

IMAGE = {"image": {"reference": "registry.example.nl/m:1"}}
OTHER = "sha256:" + "e5" * 32


def test_who_may_only_read_may_change_nothing() -> None:
    assert not any("everybody" in each.subject for each in report(world(), NOW).rights.items)


def test_who_may_do_everything_has_every_right() -> None:
    found = {each.right for each in report(world(), NOW).rights.items if each.subject == "Group platform"}

    assert found == {right.told for right in RIGHTS}


def test_a_right_to_one_object_is_told_as_that() -> None:
    [found] = [each for each in report(world(), NOW).rights.items if "argocd" in each.subject]

    assert found.by == "ClusterRole editor, only of baseline"


def test_without_the_right_to_read_roles_the_report_says_so() -> None:
    found = report(world(permissions=None), NOW)

    assert not found.rights.read
    assert "Who may change the rules: roles and their bindings were not read." in found.not_checked


def lines(*facts: Fact, at: str = "2026-11-24T12:00:00+00:00") -> list[Line]:
    entries = chain(Head(), facts, origin="test", actor="bolwerk", now=datetime.fromisoformat(at))
    return [Line(f"log:{number}", entry.line) for number, entry in enumerate(entries, start=1)]


OPENED = Fact(Action.EXCEPTION_OPENED, "EgressException team/a")
WALL = Fact(Action.WALL_APPLIED, "NetworkPolicy team/b")


def test_a_whole_trail_is_counted() -> None:
    found = trail("log", [lines(Fact(Action.TRAIL_STARTED, "trail"), OPENED, WALL)], since=None)

    assert found.whole, found.verdict
    assert dict(found.counts) == {"TrailStarted": 1, "ExceptionOpened": 1, "WallApplied": 1}
    assert [each.object for each in found.decisions] == ["EgressException team/a"]


def test_a_changed_entry_breaks_it_and_what_can_be_read_is_told() -> None:
    whole = lines(Fact(Action.TRAIL_STARTED, "trail"), OPENED, WALL)
    whole[1] = replace(whole[1], text=whole[1].text.replace("team/a", "team/z"))
    found = trail("log", [whole], since=None)

    assert not found.whole
    assert found.verdict.startswith("broken at log:2 (changed)")
    assert "The audit trail beyond the place where it is broken." in report(world(trail=found), NOW).not_checked


def test_a_log_without_a_trail_is_not_whole() -> None:
    found = trail("log", [[Line("log:1", "hello")]], since=None)

    assert not found.whole
    assert "no line of an audit trail" in found.verdict


def test_older_entries_are_walked_and_not_counted() -> None:
    since = datetime(2026, 11, 25, tzinfo=UTC)
    found = trail("log", [lines(Fact(Action.TRAIL_STARTED, "trail"), OPENED)], since=since)

    assert found.entries == 2
    assert not found.counts


def test_of_many_decisions_the_latest_are_listed() -> None:
    many = lines(Fact(Action.TRAIL_STARTED, "trail"), *[OPENED] * (MOST + 3))
    found = trail("log", [many], since=None)

    assert (len(found.decisions), found.more) == (MOST, 3)

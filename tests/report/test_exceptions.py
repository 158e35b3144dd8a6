"""The register of exceptions, case by case: phases, people, holes, and what is left out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bolwerk.core.report.facts import Report
from bolwerk.core.report.report import report
from bolwerk.core.report.text import as_text
from bolwerk.core.report.told import told
from bolwerk.core.report.world import Scope
from report.cluster import (
    NOW,
    UID,
    admission,
    approval,
    decision,
    exception,
    policy,
    world,
)
from report.cluster import trail as trail_of

IMAGE = {"image": {"reference": "registry.example.nl/m:1"}}
OTHER = "sha256:" + "e5" * 32


def judged(**spec: Any) -> Any:
    [found] = report(world(exceptions=(exception(**spec),)), NOW).exceptions.items
    return found


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        pytest.param({}, "Open", id="approved and in its term"),
        pytest.param({"validFrom": "2026-12-01T00:00:00Z"}, "Approved", id="before its term"),
        pytest.param({"validUntil": "2026-11-24T12:00:00Z"}, "Expired", id="at the very end of its term"),
        pytest.param({"uid": UID.format(7)}, "Requested", id="an approval of another uid"),
        pytest.param({"requestedBy": None}, "Refused", id="nobody knows who asked"),
        pytest.param({"requestedBy": {"username": "bob@example.nl"}}, "Requested", id="approved by who asked"),
    ],
)
def test_the_phase_is_that_of_the_time_of_the_report(spec: dict[str, Any], want: str) -> None:
    assert judged(**spec).phase == want


def test_an_approval_that_does_not_count_is_shown_as_such() -> None:
    found = report(world(exceptions=(exception(),), approvals=(approval(), approval("alice@example.nl"))), NOW)

    [register] = found.exceptions.items
    assert {each.by: each.counts for each in register.approvals} == {"alice@example.nl": False, "bob@example.nl": True}
    assert register.four_eyes == "Cluster"


def test_an_attestation_of_git_names_its_people() -> None:
    git = {"repository": "git.example.nl/x", "commit": "a" * 40, "author": "alice", "reviewers": ["carol"]}
    asked = exception(requestedBy={"username": "system:serviceaccount:argocd:argocd"})
    by = approval("system:serviceaccount:argocd:argocd", git=git)
    [found] = report(world(exceptions=(asked,), approvals=(by,)), NOW).exceptions.items

    assert found.four_eyes == "Git"
    assert found.approvals[0].counts
    assert found.approvals[0].git.endswith("written by alice, reviewed by carol")


@pytest.mark.parametrize(
    ("status", "want"),
    [
        pytest.param({}, "in the wall", id="in the wall"),
        pytest.param({"openExceptions": []}, "not in the wall", id="not in the wall"),
        pytest.param({"openExceptions": None}, "not told by the status of a SovereigntyPolicy", id="not told"),
        pytest.param(
            {"openExceptions": [{"uid": UID.format(1), "unopened": ["names need Cilium"]}]},
            "in the wall; not opened: names need Cilium",
            id="in part",
        ),
        pytest.param(
            {
                "openExceptions": [],
                "unopenedExceptions": [{"uid": UID.format(1), "unopened": ["no names"]}],
            },
            "not in the wall; no names",
            id="cannot be expressed",
        ),
    ],
)
def test_whether_the_wall_has_the_hole_is_the_policys_word(status: dict[str, Any], want: str) -> None:
    [found] = report(world(exceptions=(exception(),), policies=(policy(**status),)), NOW).exceptions.items

    assert found.hole == want


@pytest.mark.parametrize(
    ("rules", "want"),
    [
        pytest.param(admission(), ("bolwerk-approval",), id="in force"),
        pytest.param(admission(action="Warn"), (), id="only warning"),
        pytest.param(admission("pods"), (), id="about something else"),
        pytest.param(admission("egressapprovals"), (), id="anybody types who asks"),
        pytest.param(admission("egressexceptions"), (), id="anybody types who approves"),
        pytest.param(admission()[:1], (), id="bound to nothing"),
        pytest.param((), (), id="none"),
    ],
)
def test_names_of_people_are_vouched_for_only_by_rules_in_force(rules: Any, want: tuple[str, ...]) -> None:
    found = report(world(admission=rules), NOW)

    assert found.exceptions.guards == want
    typed = any("as they were typed" in line or "are what somebody typed" in line for line in shown(found))
    assert typed is not bool(want)


def shown(found: Report) -> list[str]:
    return as_text(told(found)).replace("\n" + " " * 28, " ").split("\n")


def test_an_exception_where_nobody_governs_is_refused() -> None:
    [found] = report(world(exceptions=(exception(),), policies=()), NOW).exceptions.items

    assert (found.phase, found.policy) == ("Refused", "")


def test_a_policy_that_means_nothing_any_more_leaves_the_exception_unjudged() -> None:
    broken = policy()
    broken["spec"] = {**broken["spec"], "internal": {"networks": []}}
    [found] = report(world(exceptions=(exception(),), policies=(broken,)), NOW).exceptions.items

    assert found.phase == ""
    assert "not judged" in found.sentence


def test_what_was_over_before_is_counted_and_left_out() -> None:
    found = report(world(scope=Scope(since=datetime(2026, 11, 22, tzinfo=UTC))), NOW).exceptions

    assert [each.name for each in found.items] == ["asked", "translate"]
    assert found.over == 1


def test_one_that_is_being_deleted_is_told_nevertheless() -> None:
    leaving = exception()
    leaving["metadata"]["deletionTimestamp"] = "2026-11-24T11:59:00Z"
    found = report(world(exceptions=(leaving,), scope=Scope(since=datetime(2026, 11, 22, tzinfo=UTC))), NOW)

    assert [each.phase for each in found.exceptions.items] == ["Expired"]


def test_without_the_kind_there_is_no_exception_and_the_report_says_so() -> None:
    found = report(world(exceptions=None, approvals=None), NOW).exceptions

    assert not found.known
    assert "serves no EgressExceptions" in found.remark


def test_one_that_only_the_trail_knows_is_named() -> None:
    assert report(world(), NOW).exceptions.deleted == (f"EgressException team/former, uid {UID.format(8)}",)


def test_one_that_was_made_anew_under_its_name_is_another_one() -> None:
    before = decision("2026-10-05T10:00:00.000Z", "ExceptionDeleted", "team/translate", uid=UID.format(8))
    found = report(world(trail=trail_of(decisions=(before,))), NOW).exceptions

    assert found.deleted == (f"EgressException team/translate, uid {UID.format(8)}",)

"""What the report says of a cluster, case by case: facts that are there, and facts that are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bolwerk.core.audit.action import Action
from bolwerk.core.audit.entry import Fact, Head, chain
from bolwerk.core.audit.verify import Line
from bolwerk.core.report.facts import Report
from bolwerk.core.report.report import report
from bolwerk.core.report.rights import RIGHTS
from bolwerk.core.report.text import as_text
from bolwerk.core.report.told import told
from bolwerk.core.report.trail import MOST, trail
from bolwerk.core.report.unchecked import ALWAYS
from bolwerk.core.report.world import Scope, World
from report.cluster import (
    DIGEST,
    NOW,
    SETTINGS,
    UID,
    admission,
    approval,
    condition,
    decision,
    deployment,
    exception,
    model,
    namespace,
    outside,
    pod,
    policy,
    proof,
    world,
)
from report.cluster import trail as trail_of

IMAGE = {"image": {"reference": "registry.example.nl/m:1"}}
OTHER = "sha256:" + "e5" * 32


def judged(**spec: Any) -> Any:
    [found] = report(world(exceptions=(exception(**spec),)), NOW).exceptions.items
    return found


# Models


def test_the_digest_of_a_mounted_image_is_the_kubelets() -> None:
    found = report(world(models=(model(source=IMAGE),), pods=(pod("a", mounted=OTHER), pod("b", mounted=OTHER))), NOW)

    assert found.models[0].source_digests == (OTHER,)


def test_a_pinned_image_has_its_digest_before_any_pod_runs() -> None:
    pinned = {"image": {"reference": f"registry.example.nl/m@{DIGEST}"}}

    assert report(world(models=(model(source=pinned),), pods=()), NOW).models[0].source_digests == (DIGEST,)


def test_replicas_of_different_engine_images_are_all_told() -> None:
    found = report(world(pods=(pod("a", image_id="x@sha256:1"), pod("b", image_id="x@sha256:2"))), NOW)

    assert found.models[0].engine_image_ids == ("x@sha256:1", "x@sha256:2")


def test_pods_of_another_namespace_are_none_of_a_model() -> None:
    stray = pod("a")
    stray["metadata"]["namespace"] = "office"

    assert report(world(pods=(stray,)), NOW).models[0].nodes == ()


def test_a_model_of_which_nothing_is_known_yet_is_told_so() -> None:
    bare = {"metadata": {"name": "x", "namespace": "office"}, "spec": {}}
    [found] = report(world(models=(bare,), deployments=(deployment(),)), NOW).models

    assert (found.source, found.engine_image, found.policy) == ("", "", "")
    assert found.isolated.status == "Unknown"


# Namespaces and policies


@pytest.mark.parametrize(
    ("name", "labels", "want"),
    [
        pytest.param("team", {"governed": "yes"}, "", id="governed"),
        pytest.param("office", {}, "no SovereigntyPolicy selects it", id="not selected"),
        pytest.param("kube-system", {"governed": "yes"}, "of the cluster itself: never governed", id="the cluster's"),
        pytest.param("bolwerk-system", {"governed": "yes"}, "the operator's own: never governed", id="the operator's"),
    ],
)
def test_who_is_not_governed_is_told_why(name: str, labels: dict[str, str], want: str) -> None:
    [found] = report(world(namespaces=(namespace(name, **labels),)), NOW).namespaces

    assert found.why_not == want
    assert bool(found.policy) is not bool(want)


def test_of_two_policies_the_one_that_enforces_governs() -> None:
    audit = policy("a-first")
    audit["spec"] = {**audit["spec"], "mode": "Audit"}
    found = report(world(policies=(audit, policy())), NOW)

    assert {each.name: each.governed for each in found.policies} == {"a-first": (), "baseline": ("team",)}


def test_a_priority_of_nothing_is_a_priority() -> None:
    first = policy()
    first["spec"] = {**first["spec"], "enforcement": {"priority": 0}}

    assert report(world(policies=(first,)), NOW).policies[0].priority == 0


def test_only_what_is_asked_about_is_told() -> None:
    found = report(world(scope=Scope(frozenset({"office"}))), NOW)

    assert not found.models
    assert not found.exceptions.items
    assert [each.name for each in found.namespaces] == ["office"]
    assert "Namespaces that were not asked about." in found.not_checked


# Exceptions


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
                "findings": [{"type": "Unopened", "object": "EgressException team/translate", "message": "no names"}],
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


# Proofs


@pytest.mark.parametrize(
    ("proofs", "gap"),
    [
        pytest.param((proof(),), False, id="a fresh proof"),
        pytest.param((proof(finished="2026-11-20T06:00:00Z"),), True, id="a stale one"),
        pytest.param((proof(verdict="Inconclusive"),), True, id="none that says Proven"),
        pytest.param((proof("gpu-2"),), True, id="one of another node"),
        pytest.param((proof(finished="yesterday"),), True, id="one without a time"),
        pytest.param(None, True, id="no such kind"),
    ],
)
def test_a_node_without_a_fresh_proof_is_a_gap(proofs: Any, *, gap: bool) -> None:
    found = report(world(proofs=proofs), NOW).proofs

    assert bool(found.gaps) is gap
    assert found.measured is bool(proofs)
    assert bool(found.remark) is not bool(proofs)


def test_proofs_that_may_not_be_read_are_not_called_none() -> None:
    found = report(world(proofs_forbidden=True), NOW).proofs

    assert found.remark.startswith("Not read:")
    assert not found.gaps


# Rights


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


# The trail


def lines(*facts: Fact, at: str = "2026-11-24T12:00:00+00:00") -> list[Line]:
    entries = chain(Head(), facts, origin="test", actor="bolwerk", now=datetime.fromisoformat(at))
    return [Line(f"log:{number}", entry.line) for number, entry in enumerate(entries, start=1)]


OPENED = Fact(Action.EXCEPTION_OPENED, "EgressException team/a")
WALL = Fact(Action.WALL_APPLIED, "NetworkPolicy team/b")


def test_a_whole_trail_is_counted() -> None:
    found = trail("log", lambda: lines(Fact(Action.TRAIL_STARTED, "trail"), OPENED, WALL), since=None)

    assert found.whole, found.verdict
    assert dict(found.counts) == {"TrailStarted": 1, "ExceptionOpened": 1, "WallApplied": 1}
    assert [each.object for each in found.decisions] == ["EgressException team/a"]


def test_a_changed_entry_breaks_it_and_what_can_be_read_is_told() -> None:
    whole = lines(Fact(Action.TRAIL_STARTED, "trail"), OPENED, WALL)
    whole[1] = replace(whole[1], text=whole[1].text.replace("team/a", "team/z"))
    found = trail("log", lambda: whole, since=None)

    assert not found.whole
    assert found.verdict.startswith("broken at log:2 (changed)")
    assert "The audit trail beyond the place where it is broken." in report(world(trail=found), NOW).not_checked


def test_a_log_without_a_trail_is_not_whole() -> None:
    found = trail("log", lambda: [Line("log:1", "hello")], since=None)

    assert not found.whole
    assert "no line of an audit trail" in found.verdict


def test_older_entries_are_walked_and_not_counted() -> None:
    since = datetime(2026, 11, 25, tzinfo=UTC)
    found = trail("log", lambda: lines(Fact(Action.TRAIL_STARTED, "trail"), OPENED), since=since)

    assert found.entries == 2
    assert not found.counts


def test_of_many_decisions_the_latest_are_listed() -> None:
    many = lines(Fact(Action.TRAIL_STARTED, "trail"), *[OPENED] * (MOST + 3))
    found = trail("log", lambda: many, since=None)

    assert (len(found.decisions), found.more) == (MOST, 3)


# What was not checked


def test_even_of_an_empty_cluster_something_was_not_checked() -> None:
    found = report(World(settings=SETTINGS, version="0.1.0"), NOW).not_checked

    assert set(found) > set(ALWAYS)


@pytest.mark.parametrize(
    ("changes", "want"),
    [
        pytest.param({}, "2 of 3 pods, 1 of them in governed namespaces (team/node-exporter)", id="host network"),
        pytest.param({"settings": replace(SETTINGS, references_config_maps=False)}, "ConfigMaps that", id="ConfigMaps"),
        pytest.param({}, "Secrets that governed pods refer to", id="Secrets"),
        pytest.param({"trail": None}, "The audit trail: none was given (--audit-log)", id="no trail"),
        pytest.param(
            {"models": (model(),)}, "of models in PersistentVolumeClaims: 1 models", id="no digest of a claim"
        ),
        pytest.param({"models": (model(source=IMAGE),)}, "neither a reference nor a pod gives", id="no digest"),
        pytest.param({"pods": (pod("a", image_id=""),)}, "no pod has told the id yet: 1 models", id="no image id"),
        pytest.param({"policies": (policy(references=None),)}, "baseline: not looked at yet", id="no look yet"),
        pytest.param(
            {}, "For SovereigntyPolicy baseline: Secrets: reading them", id="what the operator did not look at"
        ),
        pytest.param({}, "Whether the network plugin enforces the walls. Not measured", id="nothing measured"),
    ],
)
def test_what_was_not_checked_is_told_with_its_number(changes: dict[str, Any], want: str) -> None:
    found = report(world(**changes), NOW).not_checked

    assert any(want in sentence for sentence in found), found


def test_pods_that_have_ended_are_on_no_network() -> None:
    ended = outside()
    ended["status"]["phase"] = "Succeeded"

    assert "0 of 1 pods, 0 of them" in report(world(pods=(ended,)), NOW).not_checked[0]


def test_a_model_that_a_probe_has_shown_to_be_isolated_is_no_gap() -> None:
    shown = model(conditions=[condition("Isolated", "True", "Proven", "measured")])
    found = report(world(models=(shown,), proofs=(proof(),)), NOW)

    assert not any("models are isolated in fact" in each for each in found.not_checked)

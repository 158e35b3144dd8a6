"""EgressExceptions and EgressApprovals that a real API server takes or refuses."""

from __future__ import annotations

from typing import Any

import pytest

from api.asking import GONE, Api, changed

pytestmark = pytest.mark.cluster

EXCEPTION: dict[str, Any] = {
    "apiVersion": "bolwerk.dev/v1alpha1",
    "kind": "EgressException",
    "metadata": {"name": "speech", "namespace": "default"},
    "spec": {
        "ground": "NotPossible",
        "justification": "No local model recognises Frisian speech well enough for minutes of the council.",
        "alternativesConsidered": "Two local models were tried on forty hours of speech; one word in three was wrong.",
        "subject": {"serviceAccountName": "minutes"},
        "destinations": [{"domain": "speech.example.com", "ports": [{"port": 443}]}],
        "dataClassification": "Internal",
        "dpiaReference": "DPIA-2026-014",
        "ticket": "CHG-4711",
        "validFrom": "2026-12-01T00:00:00Z",
        "validUntil": "2027-02-01T00:00:00Z",
        "exitPlan": "The university trains a local model; it is evaluated in January.",
    },
}
APPROVAL: dict[str, Any] = {
    "apiVersion": "bolwerk.dev/v1alpha1",
    "kind": "EgressApproval",
    "metadata": {"name": "speech-1", "namespace": "default"},
    "spec": {
        "exception": {"name": "speech", "uid": "3f0c1a52-8d3e-4f57-9d0a-2f6f1c9f4a11"},
        "reason": "Minutes are public after approval; two months are enough to judge the local model.",
    },
}
GIT = {"repository": "git.example.nl/policy", "commit": "a" * 40, "author": "anna", "reviewers": ["bram"]}


def destination(**what: Any) -> dict[str, Any]:
    return {"spec.destinations": [{"ports": [{"port": 443}], **what}]}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="a domain for a ServiceAccount"),
        pytest.param({"spec.subject": {"podSelector": {"matchLabels": {"app": "minutes"}}}}, id="for pods by label"),
        pytest.param(destination(catalogueGroup="openai"), id="a group of the catalogue"),
        pytest.param(destination(domain="*.example.com"), id="everything under a name"),
        pytest.param(destination(network="192.0.2.0/24"), id="a network"),
        pytest.param(destination(network="2001:db8:1::/48"), id="an IPv6 network"),
        pytest.param(
            {"spec.dataClassification": "Public", "spec.dpiaReference": GONE}, id="public data without a DPIA"
        ),
        pytest.param({"spec.validUntil": "2027-12-01T00:00:00Z"}, id="for a year"),
    ],
)
def test_exception_taken(api: Api, changes: dict[str, Any]) -> None:
    assert api.refusal(changed(EXCEPTION, changes)) == ""


@pytest.mark.parametrize(
    ("changes", "want"),
    [
        pytest.param({"spec.ground": "Convenient"}, 'supported values: "NotPossible", "WeightyReason"', id="no ground"),
        pytest.param({"spec.justification": "because"}, "spec.justification", id="a word as justification"),
        pytest.param(
            {"spec.alternativesConsidered": GONE},
            "spec.alternativesConsidered: Required value",
            id="nothing tried locally",
        ),
        pytest.param({"spec.exitPlan": GONE}, "spec.exitPlan: Required value", id="no exit plan"),
        pytest.param(
            {"spec.dpiaReference": GONE},
            "data that is not public needs dpiaReference",
            id="internal data without a DPIA",
        ),
        pytest.param(
            {"spec.validUntil": "2026-12-01T00:00:00Z"},
            "validUntil has to be later than validFrom",
            id="no time at all",
        ),
        pytest.param(
            {"spec.validUntil": "2028-12-01T00:00:00Z"}, "an exception lasts at most 366 days", id="two years"
        ),
        pytest.param({"spec.validUntil": "tomorrow"}, "spec.validUntil", id="a word as a date"),
        pytest.param(
            {"spec.subject": {"podSelector": {}}}, "selects every pod of the namespace; name the labels", id="every pod"
        ),
        pytest.param(
            {"spec.subject.podSelector": {"matchLabels": {"a": "b"}}}, "subject takes exactly one", id="two subjects"
        ),
        pytest.param(destination(), "a destination takes exactly one of", id="no destination"),
        pytest.param(
            destination(domain="example.com", network="192.0.2.0/24"),
            "a destination takes exactly one of",
            id="two at once",
        ),
        pytest.param(destination(domain="*"), "spec.destinations[0].domain", id="every name"),
        pytest.param(destination(domain="https://example.com"), "spec.destinations[0].domain", id="a URL"),
        pytest.param(destination(network="0.0.0.0/0"), "no wider than /16 (IPv4) or /32 (IPv6)", id="every address"),
        pytest.param(destination(network="2001::/16"), "no wider than /16 (IPv4) or /32 (IPv6)", id="much of IPv6"),
        pytest.param(destination(domain="example.com", ports=[]), "spec.destinations[0].ports", id="no port"),
    ],
)
def test_exception_refused_with_a_sentence(api: Api, changes: dict[str, Any], want: str) -> None:
    assert want in api.refusal(changed(EXCEPTION, changes))


def test_an_exception_never_changes(api: Api) -> None:
    refusal = api.refusal_of_change(EXCEPTION, {"spec.validUntil": "2027-03-01T00:00:00Z"})

    assert "an exception never changes once it is asked for: delete it, or make a new one with spec.renews" in refusal
    assert api.refusal_of_change(EXCEPTION, {"metadata.labels": {"a": "b"}}) == ""


def test_an_approval_is_taken_and_never_changes(api: Api) -> None:
    assert api.refusal(APPROVAL) == ""
    assert api.refusal(changed(APPROVAL, {"spec.git": GIT})) == ""

    refusal = api.refusal_of_change(APPROVAL, {"spec.exception.uid": "00000000-0000-0000-0000-000000000000"})

    assert "an approval never changes" in refusal


@pytest.mark.parametrize(
    ("changes", "want"),
    [
        pytest.param({"spec.exception.uid": GONE}, "spec.exception.uid: Required value", id="any exception of a name"),
        pytest.param({"spec.reason": "ok"}, "spec.reason", id="no reason"),
        pytest.param({"spec.git": {**GIT, "reviewers": ["anna"]}}, "cannot be the second pair of eyes", id="one's own"),
        pytest.param({"spec.git": {**GIT, "commit": "main"}}, "spec.git.commit", id="a branch as a commit"),
    ],
)
def test_approval_refused_with_a_sentence(api: Api, changes: dict[str, Any], want: str) -> None:
    assert want in api.refusal(changed(APPROVAL, changes))

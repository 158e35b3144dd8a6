"""A proof that tells of a failure is worth an entry; one that tells of none, or of nothing, is not."""

from __future__ import annotations

import pytest

from bolwerk.core.audit.action import Action
from bolwerk.core.audit.proofs import failed
from bolwerk.core.audit.record import Done
from bolwerk.core.conclusion import ABSENT
from bolwerk.core.kinds import ISOLATION_PROOF, POD
from bolwerk.core.plan import Apply

from .audited import delete


def proof(verdict: str) -> Apply:
    spec = {
        "node": "gpu-1",
        "verdict": verdict,
        "run": "r1",
        "trigger": "Change",
        "message": "198.51.100.1:443 reached",
    }
    return Apply(ISOLATION_PROOF, {"metadata": {"name": "gpu-1-r1"}, "spec": spec}, ABSENT)


@pytest.mark.parametrize("verdict", ["NotEnforced", "Bypass", "OverBlocked"])
def test_a_failure_is_worth_an_entry(verdict: str) -> None:
    pod = Apply(POD, {"metadata": {"namespace": "team", "name": "bolwerk-proof-r1"}}, ABSENT)

    [entry] = failed(Done((pod, proof(verdict), delete(POD, "bolwerk-proof-r1"))))

    assert (entry.action, entry.object, entry.result) == (Action.PROOF_FAILED, "Node gpu-1", verdict)
    assert entry.detail["proof"] == "gpu-1-r1"


@pytest.mark.parametrize("verdict", ["Proven", "Inconclusive"])
def test_what_is_no_failure_is_worth_none(verdict: str) -> None:
    assert failed(Done((proof(verdict),))) == ()


def test_one_that_was_perhaps_stored_says_so() -> None:
    [entry] = failed(Done(unknown=(proof("Bypass"),)))

    assert entry.result == "Bypass, perhaps not stored"

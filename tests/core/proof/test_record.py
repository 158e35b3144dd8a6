"""What is written down: always what the CRD takes, and judged alike whoever reads it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bolwerk import __version__
from bolwerk.api.isolationproof import IsolationProofSpec
from bolwerk.core.proof.document import Outcome, Result
from bolwerk.core.proof.record import digest_of
from bolwerk.core.proof.standing import standing
from bolwerk.core.proof.task import Target
from bolwerk.preview.text import as_yaml
from core.proof.cluster import MODEL, POLICY, Cluster, many_models, node
from core.proof.networks import Network, open_to_all, walled

GOLDEN = Path(__file__).parent / "golden"
SUPPORTED_MINORS = ("1.33", "1.34", "1.35", "1.36")
OUTCOMES: list[Outcome] = ["Connected", "Answered", "Refused", "TimedOut", "Unreachable", "NoSuchName", "Failed"]


def of_chance(random: Any) -> Network:
    """Return a network that answers a target of an arm always alike, and otherwise anyhow."""
    said: dict[Any, Result] = {}

    def answer(target: Target, pod: Mapping[str, Any]) -> Result:
        key = (target, pod["metadata"]["annotations"]["bolwerk.dev/proof-subject"])
        if key not in said:
            plain = walled(target, pod)
            o = random.choice(OUTCOMES) if random.random() < 0.15 else plain.o
            said[key] = Result(o=o, n=random.randint(1, 10), d=random.choice(["", "10.20.9.9", "x" * 127]))
        return said[key]

    return answer


def rules_kept(spec: Mapping[str, Any]) -> None:
    """Fail where the CRD's rules would: the same that `tests/api` has a real API server say."""
    parsed = IsolationProofSpec.model_validate(spec)
    assert parsed.model_dump(mode="json", by_alias=True, exclude_unset=True).keys() == spec.keys()
    assert parsed.started_at <= parsed.finished_at
    assert len({each.reference for each in parsed.provenance.policies}) == len(parsed.provenance.policies)
    if parsed.verdict == "Proven":
        for family in parsed.families:
            found = {(each.arm, each.outcome) for each in parsed.observations if each.family == family}
            assert ("Control", "Reached") in found
            assert "Treatment" in {arm for arm, _ in found}
        assert all(each.outcome == "Blocked" for each in parsed.observations if each.arm == "Treatment")


@given(st.randoms(use_true_random=False), st.sampled_from([("10.244.1.{}",), ("10.244.1.{}", "fd00:244::{}")]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_a_network_does_the_proof_can_be_stored(random: Any, families: tuple[str, ...]) -> None:
    cluster = Cluster(network=of_chance(random), families=families, models=many_models(2))

    spec = cluster.measure()

    rules_kept(spec)
    of_subjects = {
        standing(cluster.proofs(), node="gpu-1", subject=each, now=cluster.now, stale_after=timedelta(days=3)).verdict
        for each in {each["subject"] for each in spec["observations"]} - {""}
    }
    assert spec["verdict"] in of_subjects, "the run is judged as its worst subject is, also from what was stored"
    assert (of_subjects == {"Proven"}) == (spec["verdict"] == "Proven")


@pytest.mark.parametrize("network", [pytest.param(walled, id="walled"), pytest.param(open_to_all, id="open")])
def test_more_observations_than_fit_are_left_out_and_told(network: Network) -> None:
    cluster = Cluster(models=many_models(40), network=network)

    spec = cluster.measure()

    rules_kept(spec)
    assert len(spec["observations"]) == 256
    assert any("more observations are not listed" in each for each in spec["notChecked"]["reasons"])
    assert any("a run tries 32 models of a node; not these: LocalModel ai/model-32" in each
               for each in spec["notChecked"]["reasons"])  # fmt: skip
    subjects = {each["subject"] for each in spec["observations"]} - {""}
    assert len(subjects) == 33
    for each in subjects:
        found = standing(cluster.proofs(), node="gpu-1", subject=each, now=cluster.now, stale_after=timedelta(days=3))
        assert found.verdict == spec["verdict"]


def test_each_proof_names_the_one_before_it() -> None:
    cluster = Cluster(network=open_to_all)
    for _ in range(3):
        cluster.until(lambda: not cluster.pods())
        cluster.until(lambda: bool(cluster.pods()), seconds=7200, step=10)
        cluster.measure()
    first, second, third = cluster.proofs()

    assert "previous" not in first["spec"]
    assert second["spec"]["previous"] == digest_of(first)
    assert third["spec"]["previous"] == digest_of(second)
    assert digest_of({**first, "spec": {**first["spec"], "verdict": "Proven"}}) != digest_of(first)


@pytest.mark.parametrize(
    "name", ["gpu-1", "a" * 63, f"{'rack-7.' * 6}example", "ip-10-0-0-1.eu-central-1.compute.internal"]
)
def test_a_proof_is_called_after_its_node(name: str) -> None:
    cluster = Cluster(nodes=[node(name)])
    spec = cluster.measure(name)
    called = cluster.proofs(name)[0]["metadata"]["name"]

    assert called.startswith(name[:39].rstrip("."))
    assert called.endswith(f"-{spec['run']}")
    assert "--" not in called
    assert ".-" not in called
    assert len(called) <= 51


def test_a_run_as_it_is_committed(*, update_golden: bool) -> None:
    cluster = Cluster(models=({**MODEL, "status": {"readyReplicas": 1}},), policies=(_with_two_names(),))
    cluster.until(lambda: bool(cluster.pods()))
    asked = [_as_asked(each) for each in cluster.pods()]
    cluster.measure()
    proof = cluster.proofs()[0]
    proof["spec"]["provenance"]["operatorVersion"] = proof["spec"]["provenance"]["operatorVersion"].replace(
        __version__, "the version"
    )
    for name, manifests in (("pods.yaml", asked), ("proof.yaml", [_as_asked(proof)])):
        text = as_yaml(manifests)
        if update_golden:
            (GOLDEN / name).write_text(text, encoding="utf-8")
        assert text == (GOLDEN / name).read_text(encoding="utf-8"), "renders differently: if meant, --update-golden"
    for minor in SUPPORTED_MINORS:
        for each in asked:
            kubernetes_validate.validate(each, minor, strict=True)


def _as_asked(live: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: each for key, each in live["metadata"].items() if key not in ("uid", "creationTimestamp")}
    return {**{key: each for key, each in live.items() if key != "status"}, "metadata": metadata}


def _with_two_names() -> dict[str, Any]:
    entries = [{"name": "chat", "suffixes": ["chat.example"]}, {"name": "files", "hosts": ["files.example.org"]}]
    catalogue = {"default": "Alert", "refuse": ["chat", "files"], "entries": entries}
    return {**POLICY, "spec": {**POLICY["spec"], "catalogue": catalogue}}

"""`bolwerk render` for SovereigntyPolicies: files are the world, and what cannot be shown is refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from click.testing import CliRunner, Result

from bolwerk.cli import main
from bolwerk.core.egress.backend import BACKENDS
from preview.files import Manifest, model, namespace, policy

GOLDEN = Path(__file__).parent / "golden"
OPENING = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "open", "namespace": "team"},
    "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]},
}
OVERLAY = """
schemaVersion: bolwerk.dev/catalogue-overlay/v1
version: "2026.11.24.1"
"""


@pytest.fixture
def render(tmp_path: Path) -> Any:
    def run(*manifests: Manifest, options: tuple[str, ...] = ()) -> Result:
        file = tmp_path / "objects.yaml"
        file.write_text("\n---\n".join(json.dumps(manifest) for manifest in manifests), encoding="utf-8")
        return CliRunner().invoke(main, ["render", "--filename", str(file), *options])

    return run


def kinds(answer: Result) -> list[str]:
    assert answer.exit_code == 0, answer.output
    return [manifest["kind"] for manifest in yaml.safe_load_all(answer.stdout)]


def test_a_file_renders_as_committed(render: Any, *, update_golden: bool) -> None:
    own = {**OPENING, "metadata": {"name": "own", "namespace": "team"}}
    own["spec"] = {"podSelector": {"matchLabels": {"app": "batch"}}, "policyTypes": ["Egress"], "egress": []}
    answer = render(
        policy(internal={"networks": ["10.20.0.0/16", "fd00:20::/48"], "forwardProxies": ["10.20.0.8/32"]}),
        namespace("team", governed="yes"),
        namespace("others"),
        own,
        options=("--only", "wall"),
    )

    path = GOLDEN / "render-walls.yaml"
    if update_golden:
        path.write_text(answer.stdout, encoding="utf-8")
    assert answer.stdout == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
def test_every_backend_can_be_named(render: Any, backend: Any) -> None:
    asked = (policy(backend=None), namespace("team", governed="yes"))

    walls = kinds(render(*asked, options=("--backend", backend.name, "--only", "wall")))

    assert walls
    assert set(walls) <= {kind.name for kind in backend.kinds}


def test_the_wall_comes_before_what_is_said_about_names(render: Any) -> None:
    rendered = kinds(render(policy(backend="Cilium")))

    assert rendered[0] == "CiliumClusterwideNetworkPolicy"
    assert rendered[-1] == "ConfigMap"
    assert set(rendered[1:-1]) == {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}


@pytest.mark.parametrize(
    ("only", "want"),
    [
        ("wall", {"CiliumClusterwideNetworkPolicy"}),
        ("admission", {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}),
        ("dns", {"ConfigMap"}),
    ],
)
def test_a_part_can_be_asked_for(render: Any, only: str, want: set[str]) -> None:
    assert set(kinds(render(policy(backend="Cilium"), model(), options=("--only", only)))) == want


def test_a_file_may_hold_models_and_policies(render: Any) -> None:
    rendered = kinds(render(model(), policy(backend="Cilium")))

    assert rendered.index("Deployment") < rendered.index("CiliumClusterwideNetworkPolicy")


def test_what_is_rendered_is_valid(render: Any) -> None:
    answer = render(policy(), namespace("team", governed="yes"))

    for manifest in yaml.safe_load_all(answer.stdout):
        kubernetes_validate.validate(manifest, "1.36", strict=True)


def test_audit_makes_no_wall_and_says_so(render: Any) -> None:
    answer = render(policy(mode="Audit"), namespace("team", governed="yes"), options=("--only", "wall"))

    assert answer.exit_code == 0
    assert not answer.stdout
    assert "note: SovereigntyPolicy baseline: " in answer.stderr


def test_rules_of_others_that_open_the_wall_are_told_of(render: Any) -> None:
    answer = render(policy(), namespace("team", governed="yes"), OPENING)

    assert answer.exit_code == 0
    assert "NetworkPolicy team/open" in answer.stderr


def test_without_namespaces_the_reader_is_told_what_is_missing(render: Any) -> None:
    assert "add the Namespaces to see the NetworkPolicies" in render(policy()).stderr


def test_an_overlay_decides_with_the_catalogue(render: Any, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(OVERLAY, encoding="utf-8")

    answer = render(policy(backend="Cilium"), options=("--only", "dns", "--overlay", str(overlay)))

    assert "+ overlay 2026.11.24.1" in answer.stdout


def test_the_operators_namespace_is_never_governed(render: Any) -> None:
    answer = render(policy(backend="Cilium"), options=("--only", "wall", "--namespace", "guards"))

    [wall] = yaml.safe_load_all(answer.stdout)
    [spared] = [each for each in wall["spec"]["endpointSelector"]["matchExpressions"] if each["operator"] == "NotIn"]
    assert "guards" in spared["values"]


def test_an_overlay_in_another_namespace_has_no_say_and_that_is_told(render: Any) -> None:
    stray = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "bolwerk-catalogue", "namespace": "elsewhere"},
        "data": {"catalogue.yaml": OVERLAY},
    }

    answer = render(policy(backend="Cilium"), stray, options=("--only", "dns"))

    assert "ConfigMap elsewhere/bolwerk-catalogue has no say" in answer.stderr
    assert "+ overlay" not in answer.stdout


TAKEN = {**OPENING, "metadata": {"name": "bolwerk-baseline", "namespace": "team"}}


@pytest.mark.parametrize(
    ("manifests", "options", "want"),
    [
        pytest.param([policy(backend=None)], (), "only a cluster can choose; name one by --backend", id="Auto"),
        pytest.param([policy()], ("--backend", "Flannel"), "there is no backend Flannel: name one of", id="unknown"),
        pytest.param(
            [policy(internal={"networks": ["0.0.0.0/0"]})], (), "name your own networks", id="networks that are all"
        ),
        pytest.param([policy(internal={})], (), "spec.internal.networks: Field required", id="no networks"),
        pytest.param([namespace("team")], (), "there is no LocalModel and no SovereigntyPolicy", id="nothing to do"),
        pytest.param([model()], ("--only", "wall"), "there is no SovereigntyPolicy", id="no policy to take a part of"),
        pytest.param([policy(), namespace("team", governed="yes"), TAKEN], (), "give yours another", id="a name"),
        pytest.param(
            [policy(catalogue={"refuse": ["no-such-group"]})], (), "no-such-group", id="an unknown group"
        ),
    ],
)  # fmt: skip
def test_refusals_are_sentences(render: Any, manifests: list[Manifest], options: tuple[str, ...], want: str) -> None:
    answer = render(*manifests, options=options)

    assert answer.exit_code == 1
    assert want in answer.stderr
    assert "Traceback" not in answer.output
    assert not answer.stdout


def test_secrets_are_neither_read_nor_shown(render: Any) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"token": "hunter2"}}

    assert "hunter2" not in render(policy(), secret).output


def test_a_bad_overlay_is_refused(render: Any, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("nonsense: true\n", encoding="utf-8")

    answer = render(policy(backend="Cilium"), options=("--overlay", str(overlay)))

    assert answer.exit_code == 1
    assert "ConfigMap bolwerk-system/bolwerk-catalogue" in answer.stderr

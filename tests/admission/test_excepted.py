"""What an open exception lets through: its pods, to where it leads, for as long as it is open, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from admission.asking import Asker, Manifest
from admission.conftest import DEVELOPER, REPLICASETS, add_namespace, install, wait_until_in_force
from admission.judging import cases, moved
from admission.objects import container, from_secret, pod, variable, with_env, workload
from admission.policies import catalogue, sovereignty_policy
from bolwerk.core.egress.hole import Hole
from bolwerk.core.exceptions.holes import hole_of
from core.exceptions.people import exception
from harness import process
from harness.controlplane import ControlPlane

pytestmark = pytest.mark.cluster

POLICY = sovereignty_policy("excepting", "Enforce")
HERE, ELSEWHERE = "excepted-here", "excepted-elsewhere"
PORTS = [{"port": 443}]
TRANSLATOR, CLERK = {"app": "translator", "tier": "back"}, {"app": "clerk", "tier": "back"}
SUBJECT = {
    "matchLabels": {"app": "translator"},
    "matchExpressions": [
        {"key": "tier", "operator": "In", "values": ["back", "batch"]},
        {"key": "debug", "operator": "DoesNotExist"},
    ],
}


def hole(number: int, *destinations: dict[str, str], namespace: str = HERE, **subject: Any) -> Hole:
    asked = exception(
        number,
        namespace=namespace,
        subject=subject or {"podSelector": SUBJECT},
        destinations=[{**each, "ports": PORTS} for each in destinations],
    )
    return hole_of(asked, catalogue)[0]


HOLES = (
    hole(1, {"domain": "api.chat.example"}, {"network": "198.51.100.0/24"}, {"network": "10.20.9.1/32"}),
    hole(2, {"domain": "*.platform.example"}, {"domain": "llm.partner.example"}),
    hole(3, {"catalogueGroup": "search"}, serviceAccountName="clerk"),
    hole(4, {"domain": "chat-files.cdn.example"}, namespace=ELSEWHERE),
)


@pytest.fixture(scope="module")
def ask(plane: ControlPlane, asker: Callable[[str], Asker]) -> Asker:
    """Somebody in front of an API server that knows of these holes."""
    for namespace in (HERE, ELSEWHERE):
        add_namespace(plane, namespace, governed_by="excepting")
    install(plane, POLICY, holes=HOLES)
    developer = asker(DEVELOPER)
    for namespace in (HERE, ELSEWHERE):
        wait_until_in_force(developer, namespace)
    return developer


def of(*env: Manifest, labels: dict[str, str] = TRANSLATOR, **spec: Any) -> Manifest:
    return pod(HERE, labels=labels, **{"containers": [container(*env)], **spec})


def by_clerk(*env: Manifest, account: str = "clerk") -> Manifest:
    return {**with_env(HERE, *env), "kind": "Pod"} | {
        "spec": {"containers": [container(*env)], "serviceAccountName": account}
    }


CHAT = variable("CHAT_BASE_URL", "https://api.chat.example/v1")

LET_THROUGH = [
    ("its name, with the key", of(CHAT, from_secret("CHAT_API_KEY"))),
    ("its name in any variable", of(variable("X", "see API.chat.example."))),
    ("a key alone, whose client goes to a name of its group", of(from_secret("CHAT_API_KEY"))),
    ("an address in its network", of(variable("AI_URL", "https://198.51.100.7/v1"))),
    ("a forward proxy that it leads to", of(variable("HTTPS_PROXY", "http://10.20.9.1:3128"))),
    ("a proxy by its name", of(variable("HTTPS_PROXY", "https://api.chat.example:443"))),
    ("a name under its domain, that is warned of elsewhere", of(variable("PLATFORM_HOST", "https://a.b.platform.example"))),
    ("a name that the catalogue does not know", of(variable("AI_URL", "https://llm.partner.example/v1"))),
    ("its name on the command line", of(containers=[container(args=["--base=https://api.chat.example/v1"])])),
    ("another value of its label", of(CHAT, labels={**TRANSLATOR, "tier": "batch"})),
    ("an init container", of(initContainers=[container(CHAT, name="init")])),
]  # fmt: skip

STILL_REFUSED = [
    ("another pod", of(CHAT, labels={"app": "web", "tier": "back"}), "api.chat.example"),
    ("a pod without one of the labels", of(CHAT, labels={"app": "translator"}), "api.chat.example"),
    ("a pod with a label that it must not have", of(CHAT, labels={**TRANSLATOR, "debug": ""}), "api.chat.example"),
    ("the same pod in another namespace", moved(of(CHAT), ELSEWHERE), "api.chat.example"),
    ("another name of the same group", of(variable("X", "https://beta.chat.example")), "X names beta.chat.example"),
    ("a name below an exact one", of(variable("X", "x.api.chat.example")), "X names x.api.chat.example"),
    ("a name that ends alike", of(variable("X", "xapi.chat.example")), "X names xapi.chat.example"),
    ("a refused name beside its own", of(variable("X", "api.chat.example search.example")), "X names search.example"),
    ("what is open in another namespace", of(variable("X", "chat-files.cdn.example")), "X names chat-files"),
    ("the key of another group", of(CHAT, from_secret("SEARCH_API_KEY")), "SEARCH_API_KEY is set"),
    ("an address beside its network", of(variable("AI_URL", "https://198.51.101.7/v1")), "AI_URL has an address"),
    ("a proxy beside its network", of(variable("HTTPS_PROXY", "http://10.20.9.2:3128")), "HTTPS_PROXY names a proxy"),
    ("an alias for its name, which the wall learns from DNS",
     of(CHAT, hostAliases=[{"ip": "10.20.1.1", "hostnames": ["api.chat.example"]}]), "hostAliases"),
    ("a nameserver in its network", of(dnsPolicy="None", dnsConfig={"nameservers": ["198.51.100.53"]}), "nameserver"),
    ("the node's network", of(CHAT, hostNetwork=True), "hostNetwork"),
    ("a pod that runs as another", by_clerk(variable("X", "search.example"), account="default"), "search.example"),
    ("a pod that says nobody", with_env(HERE, variable("X", "search.example")), "search.example"),
]  # fmt: skip


@pytest.mark.parametrize("manifest", cases(LET_THROUGH))
def test_what_is_open_is_let_through_without_a_word(ask: Asker, manifest: Manifest) -> None:
    answer = ask.create(manifest)

    assert answer.allowed, answer
    assert not answer.warnings


@pytest.mark.parametrize(("manifest", "want"), cases(STILL_REFUSED))
def test_nothing_else_is(ask: Asker, manifest: Manifest, want: str) -> None:
    answer = ask.create(manifest)

    assert answer.refused, answer
    assert want in answer.message


@pytest.mark.parametrize("kind", ["Deployment", "CronJob", "ReplicationController"])
def test_workloads_are_judged_by_the_pods_that_they_make(ask: Asker, kind: str) -> None:
    good, bad = workload(kind, HERE, of(CHAT)), workload(kind, HERE, of(CHAT, labels=CLERK))
    bad["metadata"]["labels"] = TRANSLATOR  # its own, and not its pods'

    assert ask.create(good).allowed
    assert ask.create(bad).refused


def test_a_service_account_is_whom_the_pods_of_a_workload_run_as(plane: ControlPlane, ask: Asker) -> None:
    plane.kubectl("create", "serviceaccount", "clerk", f"--namespace={HERE}")
    env = (variable("X", "https://search.example"), from_secret("SEARCH_API_KEY"))
    template = pod(HERE, labels=CLERK, containers=[container(*env)])
    named = pod(HERE, labels=CLERK, containers=[container(*env)], serviceAccountName="clerk")

    assert ask.create(by_clerk(*env)).allowed
    assert ask.create(workload("Deployment", HERE, named)).allowed
    assert ask.create(workload("Deployment", HERE, template)).refused


@pytest.mark.usefixtures("ask")
def test_never_a_pod_of_a_localmodel(asker: Callable[[str], Asker]) -> None:
    """Whoever makes it: the seal of a model is not for an exception to open."""
    model = of(CHAT, labels={**TRANSLATOR, "bolwerk.dev/model": "llama"})
    answer = asker(REPLICASETS).create(model)

    assert asker(REPLICASETS).create(of(CHAT)).allowed
    assert answer.refused, answer
    assert "CHAT_BASE_URL names api.chat.example" in answer.message


def test_a_refusal_says_how_to_get_an_exception(ask: Asker) -> None:
    assert (
        "or have an EgressException approved (kubectl get egex says what"
        in ask.create(moved(of(CHAT), ELSEWHERE)).message
    )


def test_what_a_tenant_writes_stays_a_string(plane: ControlPlane, ask: Asker) -> None:
    """The CRD has no pattern for a key of a selector, so this one is written straight into a hole."""
    key = """😀x" in {} || true || "%s\\' \n"""
    add_namespace(plane, "quoting", governed_by="quoting")
    selector = {"matchExpressions": [{"key": key, "operator": "Exists"}]}
    policy = sovereignty_policy("quoting", "Enforce")
    install(plane, policy, holes=(replace(HOLES[0], namespace="quoting", pod_selector=selector),))
    wait_until_in_force(ask, "quoting")

    assert ask.create(moved(of(CHAT), "quoting")).refused


def test_when_it_is_over_its_pods_are_refused_again_and_what_runs_goes_on(
    plane: ControlPlane, asker: Callable[[str], Asker]
) -> None:
    add_namespace(plane, "closing", governed_by="closing")
    brief = sovereignty_policy("closing", "Enforce")
    install(plane, brief, holes=(replace(HOLES[0], namespace="closing"),))
    developer = asker(DEVELOPER)
    wait_until_in_force(developer, "closing")
    running = moved(of(CHAT), "closing")
    assert developer.create(running, keep=True).allowed
    restarted = {**running, "metadata": {**running["metadata"], "name": "restarted"}}
    assert developer.create(restarted).allowed

    install(plane, brief)

    process.wait_for(lambda: developer.create(restarted).refused, what="the rule to refuse again", seconds=60)
    assert developer.patch(running, {"metadata": {"labels": {"team": "ai"}}}).allowed
    assert developer.get(running)["metadata"]["name"] == "web"

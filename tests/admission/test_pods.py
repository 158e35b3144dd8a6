"""What a pod, and whatever makes pods, may look like in a governed namespace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from admission.asking import Asker, Manifest
from admission.conftest import AUDITED, DEVELOPER, ENFORCED, FREE, OPERATOR
from admission.judging import assert_let_through, assert_refused, cases, moved
from admission.objects import container, from_secret, pod, variable, with_env, workload

pytestmark = pytest.mark.cluster

Askers = Callable[[str], Asker]

LOCAL = "kubectl get localmodels -A -o wide"
INSIDE = "http://llama.models.svc:8000/v1"


def env(*variables: Manifest, **more: Any) -> Manifest:
    return with_env(ENFORCED, *variables, **more)


def proxy(value: str, name: str = "HTTPS_PROXY") -> Manifest:
    return env(variable(name, value))


def with_(**spec: Any) -> Manifest:
    return pod(ENFORCED, **spec)


def resolver(*servers: str, policy: str = "None") -> Manifest:
    return with_(dnsPolicy=policy, dnsConfig={"nameservers": list(servers)})


FROM_CONFIG = [{"configMapRef": {"name": "settings"}}]

REFUSED = [
    ("the node's network", with_(hostNetwork=True), "pods", "behind no wall"),
    ("the node's processes", with_(hostPID=True), "pods", "enter the node's network"),
    ("the node's shared memory", with_(hostIPC=True), "pods", "enter the node's network"),
    (
        "a port of the node",
        with_(containers=[container(ports=[{"containerPort": 80, "hostPort": 80}])]),
        "pods",
        "container main has a hostPort",
    ),
    (
        "an endpoint under a refused domain",
        env(variable("CHAT_BASE_URL", "https://api.chat.example/v1")),
        "pods",
        (
            "container main: CHAT_BASE_URL names api.chat.example, an external AI endpoint that SovereigntyPolicy "
            f"enforced refuses; use the in-cluster URL of a LocalModel ({LOCAL})"
        ),
    ),
    ("a refused name in any variable", env(variable("X", "chat.example")), "pods", "X names chat.example"),
    ("a refused name in capitals", env(variable("X", "API.Chat.Example.")), "pods", "api.chat.example"),
    ("a refused name among others", env(variable("X", '{"a":"b.c","u":"//user:p@api.chat.example:443/"}')),
     "pods", "X names api.chat.example"),
    ("an exact name", env(variable("X", "https://chat-files.cdn.example")), "pods", "chat-files.cdn.example"),
    ("a name by its pattern", env(variable("X", "models.eu-1.vendor-cloud.example")), "pods", "eu-1"),
    ("a refused name below an allowed one", env(variable("X", "https://router.hub.example")), "pods", "router"),
    ("a second container", with_(containers=[container(), container(variable("X", "chat.example"), name="other")]),
     "pods", "container other: X names chat.example"),
    ("an init container", with_(initContainers=[container(variable("X", "chat.example"), name="init")]),
     "pods", "container init: X"),
    ("an endpoint by a public address", env(variable("AI_URL", "https://198.51.100.7/v1")), "pods",
     "AI_URL has an address outside the declared internal networks"),
    ("an endpoint by a public IPv6 address", env(variable("AI_URL", "https://[2a00::7]:443")), "pods", "AI_URL"),
    ("an endpoint by a mapped address", env(variable("AI_URL", "https://[::ffff:8.8.8.8]")), "pods", "AI_URL"),
    ("an endpoint behind a private address", env(variable("CHAT_BASE_URL", "http://10.20.8.4/v1")), "pods",
     "CHAT_BASE_URL has an address"),
    ("an endpoint that is a bare address", env(variable("AI_URL", "198.51.100.7:443")), "pods", "AI_URL"),
    ("a key without its endpoint", env(variable("CHAT_API_KEY", "k")), "pods",
     ("container main: CHAT_API_KEY is set without CHAT_API_BASE or CHAT_BASE_URL: its client would call the "
      f"provider's public API; set that to the in-cluster URL of a LocalModel ({LOCAL})")),
    ("a key from a Secret without its endpoint", env(from_secret("CHAT_API_KEY")), "pods", "CHAT_API_KEY"),
    ("a key with an empty endpoint", env(from_secret("CHAT_API_KEY"), variable("CHAT_BASE_URL", "")), "pods", "CHAT"),
    ("a key with another's endpoint", env(from_secret("CHAT_API_KEY"), variable("AI_URL", INSIDE)), "pods", "CHAT"),
    ("a key whose endpoint is in another container",
     with_(containers=[container(from_secret("CHAT_API_KEY")), container(variable("CHAT_BASE_URL", INSIDE), name="b")]),
     "pods", "container main: CHAT_API_KEY"),
    ("a key that is of no use inside", env(from_secret("SEARCH_API_KEY")), "pods",
     "SEARCH_API_KEY is set although it is of use with an external provider only"),
    ("a nameserver outside", resolver("198.51.100.53"), "pods", "nameserver 198.51.100.53 is outside"),
    ("a nameserver beside the cluster's", resolver("198.51.100.53", policy="ClusterFirst"), "pods", "198.51.100.53"),
    ("a second nameserver outside", resolver("10.20.0.53", "2a00::53"), "pods", "nameserver 2a00::53"),
    ("an alias for a refused name", with_(hostAliases=[{"ip": "10.20.1.1", "hostnames": ["a", "api.chat.example"]}]),
     "pods", "hostAliases give an address to api.chat.example"),
    ("a declared forward proxy", proxy("http://10.20.9.1:3128"), "pods",
     "container main: HTTPS_PROXY names a proxy that leads outside"),
    ("a proxy in small letters", proxy("http://10.20.9.1:3128", "https_proxy"), "pods", "https_proxy"),
    ("a proxy in mixed letters", proxy("http://10.20.9.1:3128", "Http_Proxy"), "pods", "Http_Proxy"),
    ("a proxy with a password", proxy("http://me:secret@10.20.9.1:3128/"), "pods", "HTTPS_PROXY names a proxy"),
    ("a proxy without a scheme", proxy("10.20.9.1:3128"), "pods", "HTTPS_PROXY"),
    ("a proxy by a name outside", proxy("http://proxy.agency.example:3128"), "pods", "HTTPS_PROXY"),
    ("a proxy outside", proxy("socks5://198.51.100.1:1080", "ALL_PROXY"), "pods", "ALL_PROXY"),
    ("a proxy by another variable", proxy("http://$(PROXY_HOST):3128"), "pods", "HTTPS_PROXY"),
    ("a proxy by a number", proxy("http://169090600:3128"), "pods", "HTTPS_PROXY"),
    ("what is no URL at all", proxy("http://[nonsense"), "pods", "HTTPS_PROXY"),
    ("a model's label", pod(ENFORCED, labels={"bolwerk.dev/model": "llama"}), "labels", "are Bolwerk's own"),
    ("Bolwerk's label", pod(ENFORCED, labels={"app.kubernetes.io/managed-by": "bolwerk"}), "labels", "use other"),
    ("a policy's label", pod(ENFORCED, labels={"bolwerk.dev/policy": "x"}), "labels", "are Bolwerk's own"),
]  # fmt: skip

ALLOWED = [
    ("an ordinary pod", with_()),
    ("an endpoint in the cluster", env(variable("CHAT_BASE_URL", INSIDE))),
    ("an endpoint in the same namespace", env(variable("AI_URL", "http://llama:8000"))),
    ("an endpoint by the Service's address", env(variable("AI_URL", "http://10.96.0.10:8000"))),
    ("an endpoint in a declared network", env(variable("AI_URL", "https://192.0.2.9/v1"))),
    ("an endpoint in a declared IPv6 network", env(variable("AI_URL", "https://[2001:db8:1::9]/v1"))),
    ("a name that only looks refused", env(variable("X", "notchat.example chat.example.org xchat.example"))),
    ("an allowed name", env(variable("HUB_ENDPOINT", "https://hub.example"))),
    ("a key that is allowed in one of its groups", env(from_secret("HUB_TOKEN"))),
    ("a key with its endpoint", env(from_secret("CHAT_API_KEY"), variable("CHAT_API_BASE", INSIDE))),
    ("a key with an endpoint from a ConfigMap", env(variable("CHAT_API_KEY", "k"), from_secret("CHAT_BASE_URL"))),
    ("an empty key", env(variable("CHAT_API_KEY", ""))),
    ("a nameserver inside", resolver("10.20.0.53", "2001:db8:1::53")),
    ("an alias for another name", with_(hostAliases=[{"ip": "10.20.1.1", "hostnames": ["db.agency.example"]}])),
    ("a proxy in the cluster", proxy("http://cache.tools.svc.cluster.local:3128")),
    ("a proxy in a declared network", proxy("http://10.20.1.1:3128")),
    ("a proxy in the pod", proxy("http://127.0.0.1:15001")),
    ("no proxy", proxy("")),
    ("another's label", pod(ENFORCED, labels={"app.kubernetes.io/managed-by": "Helm"})),
]  # fmt: skip

WARNED = [
    ("a shared name", env(variable("PLATFORM_HOST", "https://x.platform.example")), "alerts", "PLATFORM_HOST names"),
    ("a shared key", env(from_secret("PLATFORM_TOKEN")), "alerts", "PLATFORM_TOKEN is set without PLATFORM_HOST"),
    ("an unknown name for an endpoint", env(variable("AI_URL", "https://llm.agency.example/v1")), "alerts",
     "AI_URL has a host that is no name of this cluster"),
    ("a refused name on the command line", with_(containers=[container(args=["--base=https://chat.example/v1"])]),
     "alerts", "container main: its command line names"),
    ("a key beside a whole ConfigMap", env(variable("CHAT_API_KEY", "k"), envFrom=FROM_CONFIG), "alerts",
     "unless a ConfigMap or Secret of envFrom sets it"),
    ("the node's resolvers", with_(dnsPolicy="Default"), "alerts", "dnsPolicy Default"),
]  # fmt: skip

KINDS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "ReplicationController")


@pytest.mark.parametrize(("manifest", "rule", "want"), cases(REFUSED))
def test_refused_where_it_is_enforced_and_warned_of_in_an_audit(
    developer: Asker, manifest: Manifest, rule: str, want: str
) -> None:
    assert_refused(developer, manifest, rule, want)


@pytest.mark.parametrize("manifest", cases(ALLOWED))
def test_let_through_without_a_word(developer: Asker, manifest: Manifest) -> None:
    assert_let_through(developer, manifest)


@pytest.mark.parametrize(("manifest", "rule", "want"), cases(WARNED))
def test_warned_of_and_let_through_even_where_it_is_enforced(
    developer: Asker, manifest: Manifest, rule: str, want: str
) -> None:
    answer = developer.create(manifest)

    assert answer.allowed, answer
    assert [warning for warning in answer.warnings if f"'bolwerk-{ENFORCED}-{rule}'" in warning and want in warning], (
        answer
    )
    assert not developer.create(moved(manifest, FREE)).warnings


@pytest.mark.parametrize("kind", KINDS)
def test_told_when_a_workload_is_applied(developer: Asker, kind: str) -> None:
    bad = env(variable("CHAT_BASE_URL", "https://api.chat.example"))

    refusal = developer.create(workload(kind, ENFORCED, bad))
    label = developer.create(workload(kind, ENFORCED, pod(ENFORCED, labels={"bolwerk.dev/model": "llama"})))

    assert "CHAT_BASE_URL names api.chat.example" in refusal.message
    assert "are Bolwerk's own" in label.message
    assert developer.create(workload(kind, ENFORCED, pod(ENFORCED))).allowed
    assert developer.create(workload(kind, FREE, bad)).allowed


def test_no_secret_is_told(developer: Asker) -> None:
    password = "hunter2"  # noqa: S105 - an invented one
    answer = developer.create(moved(proxy(f"http://me:{password}@10.20.9.1:3128"), AUDITED))
    refused = developer.create(env(variable("X", f"https://me:{password}@api.chat.example/?key={password}")))

    assert answer.warnings
    assert refused.refused
    assert password not in f"{answer} {refused}"


def test_a_debugging_container_is_judged_too(developer: Asker) -> None:
    running = pod(ENFORCED, name="debugged")
    assert developer.create(running, keep=True).allowed

    def debugged_by(debugger: Manifest) -> Manifest:
        return {"spec": {"ephemeralContainers": [debugger]}}

    bad = debugged_by(container(variable("X", "https://api.chat.example"), name="debugger"))
    answer = developer.patch(running, bad, subresource="/ephemeralcontainers")

    assert answer.refused, answer
    assert "container debugger: X names api.chat.example" in answer.message
    good = debugged_by(container(name="debugger"))
    assert developer.patch(running, good, subresource="/ephemeralcontainers").allowed


def test_a_probe_of_the_operator_may_name_what_it_is_to_try(asker: Askers) -> None:
    probe = env(variable("BOLWERK_TASK", '{"to":"api.chat.example"}'))

    assert asker(OPERATOR).create(probe).allowed
    assert asker(DEVELOPER).create(probe).refused
    # What users have the operator make comes in workloads, and goes on being judged.
    assert asker(OPERATOR).create(workload("Deployment", ENFORCED, probe)).refused

"""Which LocalModels an object's change concerns, and which news the cache believes."""

import pytest

from bolwerk.core.kinds import DEPLOYMENT, LOCAL_MODEL, NETWORK_POLICY, PERSISTENT_VOLUME_CLAIM, POD, SERVICE, Kind, Ref
from bolwerk.core.plan import Manifest, Refusal
from bolwerk.core.settings import Settings
from bolwerk.shell.cache import Cache
from bolwerk.shell.models import LocalModels

from .objects import make, make_claim, make_model, make_pod

CHAT, CODE = Ref(LOCAL_MODEL, "team", "chat"), Ref(LOCAL_MODEL, "team", "code")


@pytest.fixture(autouse=True)
def models(cache: Cache) -> LocalModels:
    """Three LocalModels, two of them in one namespace, one of which reads a claim."""
    models = LocalModels(cache, settings=Settings())
    cache.put(LOCAL_MODEL, make_model("chat", uid="u-chat", claim="weights"))
    cache.put(LOCAL_MODEL, make_model("code", uid="u-code"))
    cache.put(LOCAL_MODEL, make_model("chat", namespace="elsewhere", uid="u-away"))
    return models


@pytest.mark.parametrize(
    ("kind", "manifest", "want"),
    [
        pytest.param(DEPLOYMENT, make(DEPLOYMENT, "chat", owner="u-chat"), {CHAT}, id="a child: its owner"),
        pytest.param(DEPLOYMENT, make(DEPLOYMENT, "odd", owner="u-chat"), {CHAT}, id="a child of another name too"),
        pytest.param(DEPLOYMENT, make(DEPLOYMENT, "chat"), set(), id="an unowned namesake: nobody"),
        pytest.param(DEPLOYMENT, make(DEPLOYMENT, "chat", owner="gone"), set(), id="a child of nobody known: nobody"),
        pytest.param(NETWORK_POLICY, make(NETWORK_POLICY, "chat", owner="u-chat"), {CHAT}, id="own policy: its owner"),
        pytest.param(NETWORK_POLICY, make(NETWORK_POLICY, "foreign"), {CHAT, CODE}, id="a foreign policy: all around"),
        pytest.param(
            NETWORK_POLICY, make(NETWORK_POLICY, "odd", owner="u-chat"), {CHAT, CODE}, id="only claims to be own"
        ),
        pytest.param(POD, make_pod("chat-1", model="chat"), {CHAT}, id="a pod: the model of its label"),
        pytest.param(POD, make_pod("x", model="unknown"), set(), id="a pod of no known model: nobody"),
        pytest.param(PERSISTENT_VOLUME_CLAIM, make_claim("weights"), {CHAT}, id="a claim: who names it"),
        pytest.param(PERSISTENT_VOLUME_CLAIM, make_claim("other"), set(), id="a claim that nobody names: nobody"),
    ],
)  # fmt: skip
def test_a_change_concerns(cache: Cache, kind: Kind, manifest: Manifest, want: set[Ref]) -> None:
    assert cache.put(kind, manifest) == want
    assert cache.put(kind, manifest) == set(), "the same news twice is no news"
    assert cache.remove(kind, manifest) == want
    assert cache.remove(kind, manifest) == set()


def test_news_in_which_nothing_changed_that_anybody_reads_concerns_nobody(cache: Cache) -> None:
    pod = make_pod("chat-1", model="chat", status={"phase": "Running"})
    cache.put(POD, pod)
    pod["metadata"]["resourceVersion"] = "2"
    pod["metadata"]["managedFields"] = [{"manager": "kubelet"}]
    pod["spec"]["containers"][0]["image"] = "another"

    assert cache.put(POD, pod) == set()
    assert cache.find(Ref(POD, "team", "chat-1")).version == 2  # type: ignore[union-attr]


def test_older_news_is_ignored(cache: Cache, models: LocalModels) -> None:
    cache.put(SERVICE, make(SERVICE, "chat", owner="u-chat", version=5, spec={"type": "ClusterIP"}))

    assert cache.put(SERVICE, make(SERVICE, "chat", owner="u-chat", version=4, spec={"type": "NodePort"})) == set()

    observed = models.observe(CHAT.key)
    assert observed is not None
    assert observed.children[SERVICE][0]["spec"] == {"type": "ClusterIP"}


def test_versions_are_numbers_and_not_words(cache: Cache) -> None:
    cache.put(SERVICE, make(SERVICE, "chat", owner="u-chat", version=99, spec={"n": 1}))

    assert cache.put(SERVICE, make(SERVICE, "chat", owner="u-chat", version=100, spec={"n": 2})) == {CHAT}


def test_a_list_that_was_under_way_does_not_bring_back_what_was_deleted_meanwhile(cache: Cache) -> None:
    service = make(SERVICE, "chat", owner="u-chat", version=5)
    cache.put(SERVICE, service)
    cache.remove(SERVICE, service)

    assert cache.put(SERVICE, service) == set()
    cache.forget_graves()
    assert cache.put(SERVICE, service) == set()
    assert cache.find(Ref(SERVICE, "team", "chat")) is None


def test_what_left_our_sight_comes_back_when_it_is_newer(cache: Cache) -> None:
    """A child whose label is taken away is reported as deleted, and is the same object when its label is back."""
    cache.put(SERVICE, make(SERVICE, "chat", owner="u-chat", version=5))
    cache.remove(SERVICE, make(SERVICE, "chat", owner="u-chat", version=6))

    assert cache.put(SERVICE, make(SERVICE, "chat", owner="u-chat", version=6)) == set()
    assert cache.put(SERVICE, make(SERVICE, "chat", owner="u-chat", version=7)) == {CHAT}


def test_what_is_gone_for_good_never_comes_back(cache: Cache) -> None:
    cache.bury(SERVICE, CHAT.key, "u-service")

    assert cache.put(SERVICE, make(SERVICE, "chat", uid="u-service", owner="u-chat", version=7)) == set()


def test_graves_are_forgotten_after_two_sweeps_so_they_do_not_pile_up(cache: Cache) -> None:
    service = make(SERVICE, "chat", owner="u-chat", version=5)
    cache.remove(SERVICE, service)
    cache.forget_graves()
    cache.forget_graves()

    assert cache.put(SERVICE, service) == {CHAT}


def test_a_late_deletion_does_not_remove_the_successor(cache: Cache) -> None:
    cache.put(SERVICE, make(SERVICE, "chat", owner="u-chat", uid="old", version=5))
    cache.put(SERVICE, make(SERVICE, "chat", owner="u-chat", uid="new", version=7))

    assert cache.bury(SERVICE, CHAT.key, "old") == set()
    assert cache.find(Ref(SERVICE, "team", "chat")).uid == "new"  # type: ignore[union-attr]


def test_a_child_that_is_disowned_concerns_its_former_owner(cache: Cache, models: LocalModels) -> None:
    cache.put(SERVICE, make(SERVICE, "chat", owner="u-chat"))

    assert cache.put(SERVICE, make(SERVICE, "chat", version=2)) == {CHAT}

    observed = models.observe(CHAT.key)
    assert observed is not None
    assert SERVICE not in observed.children


def test_what_is_observed_is_what_concerns_the_model(cache: Cache, models: LocalModels) -> None:
    cache.put(DEPLOYMENT, make(DEPLOYMENT, "chat", owner="u-chat"))
    cache.put(DEPLOYMENT, make(DEPLOYMENT, "code", owner="u-code"))
    cache.put(NETWORK_POLICY, make(NETWORK_POLICY, "chat", owner="u-chat"))
    cache.put(NETWORK_POLICY, make(NETWORK_POLICY, "code", owner="u-code"))
    cache.put(NETWORK_POLICY, make(NETWORK_POLICY, "foreign"))
    cache.put(NETWORK_POLICY, make(NETWORK_POLICY, "foreign", namespace="elsewhere"))
    cache.put(POD, make_pod("chat-1", model="chat"))
    cache.put(POD, make_pod("code-1", model="code"))
    cache.put(PERSISTENT_VOLUME_CLAIM, make_claim("weights"))
    refusal = Refusal(Ref(SERVICE, "team", "chat"), "NameTaken", "it is taken")

    observed = models.observe(CHAT.key, refusals=(refusal,))

    assert observed is not None
    assert observed.model["metadata"]["uid"] == "u-chat"
    assert [child["metadata"]["name"] for child in observed.children[DEPLOYMENT]] == ["chat"]
    assert [policy["metadata"]["name"] for policy in observed.policies] == ["chat", "foreign"]
    assert [pod["metadata"]["name"] for pod in observed.pods] == ["chat-1"]
    assert observed.claim is not None
    assert observed.refusals == (refusal,)
    assert models.observe(("team", "nobody")) is None


def test_only_what_is_read_is_kept(cache: Cache, models: LocalModels) -> None:
    cache.put(POD, make_pod("chat-1", model="chat", status={"phase": "Running"}))
    cache.put(PERSISTENT_VOLUME_CLAIM, make_claim("weights", status={"phase": "Bound"}))
    cache.put(SERVICE, make(SERVICE, "chat", owner="u-chat", spec={"type": "ClusterIP"}))

    observed = models.observe(CHAT.key)

    assert observed is not None
    assert observed.pods[0]["spec"] == {"nodeName": "n1"}
    assert observed.pods[0]["status"] == {"phase": "Running"}
    assert observed.claim is not None
    assert observed.claim["spec"] == {"accessModes": ["ReadOnlyMany"]}
    service = observed.children[SERVICE][0]
    assert service["metadata"]["annotations"] == {"kept": "yes"}
    assert "managedFields" not in service["metadata"]


def test_an_edit_that_names_another_claim_is_followed(cache: Cache) -> None:
    cache.put(LOCAL_MODEL, make_model("chat", uid="u-chat", claim="newer", version=2))

    assert cache.put(PERSISTENT_VOLUME_CLAIM, make_claim("weights")) == set()
    assert cache.put(PERSISTENT_VOLUME_CLAIM, make_claim("newer")) == {CHAT}


def test_conditions_are_counted_over_all_models(cache: Cache, models: LocalModels) -> None:
    cache.put(LOCAL_MODEL, make_model("chat", uid="u-chat", version=2, conditions={"Ready": "False"}))
    cache.put(LOCAL_MODEL, make_model("code", uid="u-code", version=2, conditions={"Ready": "True"}))
    cache.put(LOCAL_MODEL, make_model("chat", uid="u-chat", version=3, conditions={"Ready": "True"}))
    assert +models.conditions == {("Ready", "True"): 2}

    cache.remove(LOCAL_MODEL, make_model("chat", uid="u-chat", version=4))
    assert +models.conditions == {("Ready", "True"): 1}


APART = ("_cache", "conditions", "_canary", "_placement", "_governance")


def test_nothing_is_left_of_what_is_gone(cache: Cache) -> None:
    things = [
        (LOCAL_MODEL, make_model("chat", uid="u-chat", claim="weights")),
        (DEPLOYMENT, make(DEPLOYMENT, "chat", owner="u-chat")),
        (NETWORK_POLICY, make(NETWORK_POLICY, "chat", owner="u-chat")),
        (POD, make_pod("chat-1", model="chat")),
        (PERSISTENT_VOLUME_CLAIM, make_claim("weights")),
    ]
    cache = Cache()
    models = LocalModels(cache, settings=Settings())
    for kind, manifest in things:
        cache.put(kind, manifest)
    for kind, manifest in things:
        cache.remove(kind, manifest)
    cache.forget_graves()
    cache.forget_graves()

    indexes = {name: value for name, value in vars(models).items() if name not in APART}
    indexes |= {f"placement{name}": value for name, value in vars(models._placement).items() if name != "_cache"}
    assert {name: value for name, value in indexes.items() if value} == {}
    assert not any(cache.entries(kind) for kind, _ in things)
    assert not cache._graves
    assert not cache._old_graves

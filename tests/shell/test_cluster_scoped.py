"""The same controller for a kind without namespaces, beside LocalModels."""

import json
from datetime import datetime

import pytest

from bolwerk.core.kinds import CLUSTER_NETWORK_POLICY, LOCAL_MODEL, NETWORK_POLICY, SOVEREIGNTY_POLICY, Ref
from bolwerk.core.plan import Apply, Event, Plan
from bolwerk.core.policy.observed import Observed
from bolwerk.core.settings import Settings
from bolwerk.shell.cache import Cache
from bolwerk.shell.controller import Controller
from bolwerk.shell.models import LocalModels
from bolwerk.shell.policies import SovereigntyPolicies
from bolwerk.shell.queue import WorkQueue

from .api import MemoryApi
from .conftest import Assemble, ScriptedServer
from .objects import make, make_model, make_policy

CHAT = Ref(LOCAL_MODEL, "team", "chat")
STATE = Ref(SOVEREIGNTY_POLICY, "", "state")
WALL_PATH = "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies/bolwerk-state"
STATE_PATH = "/apis/bolwerk.dev/v1alpha1/sovereigntypolicies/state"


def walling(observed: Observed, _: Settings, __: datetime) -> Plan:
    """Want a wall for the cluster and one for the namespace of a LocalModel, and tell how many stand."""
    owner = {"apiVersion": "bolwerk.dev/v1alpha1", "kind": "SovereigntyPolicy", "name": "state", "controller": True}
    owned = {"name": "bolwerk-state", "ownerReferences": [{**owner, "uid": observed.policy["metadata"]["uid"]}]}
    wanted = [
        Apply(CLUSTER_NETWORK_POLICY, {"metadata": owned}, "absent"),
        Apply(NETWORK_POLICY, {"metadata": {**owned, "namespace": "team"}}, "absent"),
    ]
    told = {"standing": len(observed.owned), "refused": [refusal.message for refusal in observed.refusals]}
    return Plan(
        apply=tuple(apply for apply in wanted if apply.kind not in observed.owned),
        status=None if observed.policy.get("status") == told else told,
        events=(Event("Normal", "WallStands", "Reconcile", "it stands"),) if len(observed.owned) == 2 else (),
    )


@pytest.fixture
def walls(api: MemoryApi, cache: Cache, assemble: Assemble) -> Controller[Observed]:
    """The controller of SovereigntyPolicies, of which there are two beside a LocalModel."""
    LocalModels(cache, settings=Settings())
    policies = SovereigntyPolicies(cache, served=frozenset({CLUSTER_NETWORK_POLICY}), settings=Settings())
    cache.put(LOCAL_MODEL, make_model("chat"))
    for policy in (make_policy("state", uid="u-state"), make_policy("town", uid="u-town")):
        api.keep(SOVEREIGNTY_POLICY, policy)
        cache.put(SOVEREIGNTY_POLICY, policy)
    return assemble(policies, walling)


async def test_what_has_no_namespace_is_reconciled_the_same_way(
    walls: Controller[Observed], api: MemoryApi, server: ScriptedServer, concerned: set[Ref]
) -> None:
    assert await walls.process(STATE) == "changed"

    assert api.objects[STATE_PATH]["status"] == {"standing": 2, "refused": []}
    assert "namespace" not in api.objects[WALL_PATH]["metadata"]
    [event] = [json.loads(asked.body) for asked in server.asked if asked.path.endswith("/events")]
    assert event["metadata"]["namespace"] == "default"
    assert event["regarding"] == {
        "apiVersion": "bolwerk.dev/v1alpha1",
        "kind": "SovereigntyPolicy",
        "name": "state",
        "uid": "u-state",
    }
    assert concerned == {CHAT}, "a model sees the policies around it; neither itself nor the other policy is concerned"


async def test_the_echoes_of_its_own_writes_are_no_news(
    walls: Controller[Observed], api: MemoryApi, cache: Cache, queue: WorkQueue[Ref]
) -> None:
    await walls.process(STATE)
    before = api.writes.copy()

    echoes = [(CLUSTER_NETWORK_POLICY, WALL_PATH), (SOVEREIGNTY_POLICY, STATE_PATH)]
    assert [cache.put(kind, api.objects[path]) for kind, path in echoes] == [set(), set()]
    assert queue.idle
    assert api.writes == before


async def test_somebody_elses_object_without_a_namespace_is_left_alone(
    walls: Controller[Observed], api: MemoryApi
) -> None:
    api.keep(CLUSTER_NETWORK_POLICY, foreign := make(CLUSTER_NETWORK_POLICY, "bolwerk-state", namespace=""))

    assert await walls.process(STATE) == "refused"

    assert api.objects[WALL_PATH] is foreign
    [refused] = api.objects[STATE_PATH]["status"]["refused"]
    assert refused.startswith("ClusterNetworkPolicy bolwerk-state exists and does not belong to this SovereigntyPolicy")


async def test_an_edit_that_comes_with_the_answer_to_a_status_concerns_the_others_too(
    walls: Controller[Observed], api: MemoryApi, queue: WorkQueue[Ref], concerned: set[Ref]
) -> None:
    """Its echo is no news any more when the watch brings it."""
    edited = make_policy("state", uid="u-state", version=2, generation=2)
    api.keep(SOVEREIGNTY_POLICY, {**edited, "spec": {"mode": "Enforce"}})

    queue.add(STATE)
    await walls._work_on(await queue.get())
    queue.done(STATE)

    assert Ref(SOVEREIGNTY_POLICY, "", "town") in concerned
    assert len(queue) == 1, "it has to be looked at once more itself"

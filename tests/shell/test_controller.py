"""How a plan is carried out: in order, guarded, and told."""

from datetime import datetime

import pytest

from bolwerk.core.kinds import LOCAL_MODEL, SERVICE, Ref
from bolwerk.core.model.observed import Observed
from bolwerk.core.plan import Apply, Delete, Plan
from bolwerk.core.reasons import Reason
from bolwerk.core.settings import Settings
from bolwerk.shell.cache import Cache
from bolwerk.shell.errors import ApiError
from bolwerk.shell.queue import WorkQueue

from .api import MemoryApi
from .chat import (
    CHAT,
    DEPLOYMENT_PATH,
    MODEL_PATH,
    POLICY_PATH,
    SERVICE_PATH,
    UID,
    child,
    converging,
)
from .conftest import Make, ScriptedServer
from .objects import make


async def test_children_are_applied_in_order_and_then_told_of_once(
    make_controller: Make, api: MemoryApi, server: ScriptedServer
) -> None:
    controller = make_controller(converging)

    assert await controller.process(CHAT) == "changed"

    patched = [asked.path for asked in server.asked if asked.method == "PATCH"]
    assert patched == [POLICY_PATH, SERVICE_PATH, DEPLOYMENT_PATH, f"{MODEL_PATH}/status"]
    assert api.objects[MODEL_PATH]["status"] == {"children": 3, "refused": []}
    assert api.writes[("create", "events")] == 1


async def test_the_second_look_finds_nothing_to_do_without_waiting_for_a_watch(
    make_controller: Make, api: MemoryApi, queue: WorkQueue[Ref]
) -> None:
    controller = make_controller(converging)
    await controller.process(CHAT)
    before = api.writes.copy()

    assert await controller.process(CHAT) == "steady"
    assert api.writes == before
    assert queue.idle


async def test_a_refusal_stops_the_rest_is_told_and_comes_back_later(
    make_controller: Make, api: MemoryApi, queue: WorkQueue[Ref]
) -> None:
    api.refusals["services"] = (403, "exceeded quota")
    controller = make_controller(converging)

    assert await controller.process(CHAT) == "refused"

    assert DEPLOYMENT_PATH not in api.objects
    assert api.objects[MODEL_PATH]["status"]["children"] == 1
    assert "exceeded quota" in api.objects[MODEL_PATH]["status"]["refused"][0]
    assert queue.retry(CHAT) == 2, "it has failed once before"

    before = api.writes[("apply", "localmodels/status")]
    assert await controller.process(CHAT) == "refused"
    assert api.writes[("apply", "localmodels/status")] == before, "the same refusal is told once"

    api.refusals.clear()
    assert await controller.process(CHAT) == "changed"
    assert api.objects[MODEL_PATH]["status"] == {"children": 3, "refused": []}
    assert queue.retry(CHAT) == 1, "its failures are forgotten"


async def test_somebody_elses_object_is_left_alone(make_controller: Make, api: MemoryApi) -> None:
    foreign = make(SERVICE, "chat", uid="foreign", owner="somebody-else")
    api.objects[SERVICE_PATH] = foreign
    refused: list[str] = []

    def reconcile(observed: Observed, settings: Settings, now: datetime) -> Plan:
        refused.extend(refusal.reason for refusal in observed.refusals)
        return converging(observed, settings, now)

    assert await make_controller(reconcile).process(CHAT) == "refused"

    assert refused == [Reason.NAME_TAKEN]
    assert api.objects[SERVICE_PATH] is foreign
    assert DEPLOYMENT_PATH not in api.objects


async def test_an_own_child_that_the_cache_does_not_know_is_taken_back(make_controller: Make, api: MemoryApi) -> None:
    api.objects[SERVICE_PATH] = make(SERVICE, "chat", uid="mine", owner=UID)

    assert await make_controller(converging).process(CHAT) == "changed"

    assert api.objects[SERVICE_PATH]["metadata"]["uid"] == "mine"


async def test_a_namesake_that_took_the_place_of_a_known_child_is_not_touched(
    make_controller: Make, api: MemoryApi, cache: Cache
) -> None:
    cache.put(SERVICE, make(SERVICE, "chat", uid="mine", owner=UID))
    api.objects[SERVICE_PATH] = foreign = make(SERVICE, "chat", uid="another")

    def heal(observed: Observed, _: Settings, __: datetime) -> Plan:
        assert observed.model
        return Plan(apply=(Apply(SERVICE, child(SERVICE), "spec.type"),))

    with pytest.raises(ApiError, match="uid mismatch"):
        await make_controller(heal).process(CHAT)
    assert api.objects[SERVICE_PATH] is foreign


async def test_what_a_webhook_overrules_is_applied_once_and_not_for_ever(
    make_controller: Make, api: MemoryApi, cache: Cache
) -> None:
    api.overrule = {"spec": {"type": "NodePort"}}

    def insist(observed: Observed, _: Settings, __: datetime) -> Plan:
        [live] = observed.children.get(SERVICE, ({},))
        if live.get("spec") == {"type": "ClusterIP"}:
            return Plan()
        return Plan(apply=(Apply(SERVICE, child(SERVICE, spec={"type": "ClusterIP"}), "spec.type"),))

    controller = make_controller(insist)

    assert await controller.process(CHAT) == "changed"
    for _ in range(3):
        assert await controller.process(CHAT) == "steady"
    assert api.writes[("apply", "services")] == 1

    # Somebody changes it: then it is worth another try.
    api.objects[SERVICE_PATH]["metadata"]["resourceVersion"] = "999"
    api.objects[SERVICE_PATH]["spec"] = {"type": "LoadBalancer"}
    cache.put(SERVICE, api.objects[SERVICE_PATH])
    await controller.process(CHAT)
    assert api.writes[("apply", "services")] == 2


async def test_what_is_no_longer_desired_is_deleted_if_it_still_is_the_same(
    make_controller: Make, api: MemoryApi, cache: Cache
) -> None:
    api.objects[SERVICE_PATH] = make(SERVICE, "chat", uid="mine", owner=UID)
    cache.put(SERVICE, api.objects[SERVICE_PATH])

    def prune(observed: Observed, _: Settings, __: datetime) -> Plan:
        live = observed.children.get(SERVICE, ())
        ref = Ref(SERVICE, *CHAT.key)
        return Plan(delete=tuple(Delete(ref, item["metadata"]["uid"], "not desired") for item in live))

    assert await make_controller(prune).process(CHAT) == "changed"
    assert SERVICE_PATH not in api.objects
    assert cache.find(Ref(SERVICE, *CHAT.key)) is None


async def test_a_model_that_is_gone_or_going_is_left_alone(make_controller: Make, api: MemoryApi, cache: Cache) -> None:
    controller = make_controller(converging)
    going = api.objects[MODEL_PATH]
    going["metadata"] |= {"deletionTimestamp": "2026-11-24T00:00:00Z", "resourceVersion": "2"}
    cache.put(LOCAL_MODEL, going)

    assert await controller.process(CHAT) == "gone"
    cache.remove(LOCAL_MODEL, going)
    assert await controller.process(CHAT) == "gone"
    assert not api.writes


async def test_an_edit_that_comes_with_the_answer_to_a_status_is_not_overlooked(
    make_controller: Make, api: MemoryApi, queue: WorkQueue[Ref]
) -> None:
    def told(observed: Observed, _: Settings, __: datetime) -> Plan:
        # The user's edit arrives at the API server while this decision is made.
        api.objects[MODEL_PATH]["spec"] = {"edited": True}
        want = {"seen": observed.model["spec"]}
        return Plan() if observed.model.get("status") == want else Plan(status=want)

    controller = make_controller(told)
    queue.add(CHAT)
    await controller._work_on(await queue.get())
    queue.done(CHAT)

    assert len(queue) == 1, "it has to be looked at once more"
    await controller._work_on(await queue.get())
    queue.done(CHAT)
    assert api.objects[MODEL_PATH]["status"] == {"seen": {"edited": True}}
    assert queue.idle

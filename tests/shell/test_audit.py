"""What a controller tells the audit trail: everything that it did, once, when it did it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

from aiohttp import web

from bolwerk.core.exceptions.observed import Observed as ExceptionObserved
from bolwerk.core.kinds import EGRESS_APPROVAL, EGRESS_EXCEPTION, LOCAL_MODEL, NETWORK_POLICY, SOVEREIGNTY_POLICY, Ref
from bolwerk.core.model.observed import Observed
from bolwerk.core.plan import Apply, Manifest, Plan
from bolwerk.core.policy.observed import Observed as PolicyObserved
from bolwerk.core.settings import Settings
from bolwerk.shell.audit import Auditor, ExceptionAuditor, PolicyAuditor
from bolwerk.shell.cache import Cache
from bolwerk.shell.trail import Trail

from .api import MemoryApi
from .conftest import Make, ScriptedServer
from .objects import make, make_model, make_policy
from .trails import actions, read

CHAT = Ref(LOCAL_MODEL, "team", "chat")
POLICY = Ref(SOVEREIGNTY_POLICY, "", "state")


def asking(observed: Observed, _: Settings, __: datetime) -> Plan:
    """Want one NetworkPolicy, and a status that says for which generation."""
    owner = {"apiVersion": "bolwerk.dev/v1alpha1", "kind": "LocalModel", "name": "chat", "controller": True}
    owner["uid"] = observed.model["metadata"]["uid"]
    wanted: Manifest = {
        "apiVersion": NETWORK_POLICY.api_version,
        "kind": "NetworkPolicy",
        "metadata": {"namespace": "team", "name": "chat", "ownerReferences": [owner]},
    }
    status = {"observedGeneration": 1}
    there = NETWORK_POLICY in observed.children
    return Plan(
        apply=() if there else (Apply(NETWORK_POLICY, wanted, "absent"),),
        status=None if observed.model.get("status") == status else status,
    )


async def test_a_decision_is_told_once_also_after_a_restart(make_controller: Make, audit_log: Path) -> None:
    controller = make_controller(asking)

    assert await controller.process(CHAT) == "changed"
    assert actions(audit_log) == ["TrailStarted", "SealApplied", "ModelCreated"]
    assert await controller.process(CHAT) == "steady"
    assert await make_controller(asking).process(CHAT) == "steady"

    assert len(read(audit_log)) == 3


async def test_what_was_sent_and_never_answered_is_told_as_not_known(
    make_controller: Make, api: MemoryApi, server: ScriptedServer, audit_log: Path
) -> None:
    controller = make_controller(asking)

    async def hang(request: web.Request) -> web.StreamResponse:
        if request.method != "PATCH":
            return await api(request)
        await api(request)
        hung.set()
        await asyncio.sleep(60)
        raise AssertionError

    hung = asyncio.Event()
    server.script = [hang]
    task = asyncio.create_task(controller.process(CHAT))
    await asyncio.wait_for(hung.wait(), 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert [(entry["action"], entry["result"]) for entry in read(audit_log)[1:]] == [("SealApplied", "Unknown")]


async def test_what_goes_is_told_once(make_controller: Make, cache: Cache, audit_log: Path) -> None:
    controller = make_controller(asking)
    await controller.process(CHAT)

    cache.bury(LOCAL_MODEL, CHAT.key, "u-chat")
    assert await controller.process(CHAT) == "gone"
    assert await controller.process(CHAT) == "gone"

    assert actions(audit_log)[3:] == ["ModelDeleted"]


async def test_a_namesake_is_told_of_as_another_one(trail: Trail, audit_log: Path) -> None:
    auditor: Auditor[Observed] = Auditor(trail)

    auditor.looked(CHAT, Observed(make_model("chat", uid="first")))
    auditor.looked(CHAT, Observed(make_model("chat", uid="first")))
    auditor.looked(CHAT, Observed(make_model("chat", uid="second")))

    assert [entry["detail"] for entry in read(audit_log)[1:]] == [{"uid": "first"}]


def governing(*names: str, number: int | None = None) -> PolicyObserved:
    policy = make_policy("state")
    policy["spec"] = {"mode": "Enforce", "namespaceSelector": {"matchLabels": {"governed": "yes"}}}
    policy["status"] = {} if number is None else {"governedNamespaces": number}
    labels = {"governed": "yes"}
    return PolicyObserved(
        policy, namespaces=tuple(make(SOVEREIGNTY_POLICY, name, namespace="", labels=labels) for name in names)
    )


async def test_governed_namespaces_are_told_by_name_when_they_come_and_go(trail: Trail, audit_log: Path) -> None:
    auditor = PolicyAuditor(trail, Settings())

    auditor.looked(POLICY, governing())
    for names in (("a",), ("a",), ("a", "b"), ("b",)):
        auditor.looked(POLICY, governing(*names, number=len(names)))
        auditor.settled(POLICY, governing(*names, number=len(names)), {})

    told = [(entry["action"], entry["detail"]["names"]) for entry in read(audit_log)[1:]]
    assert told == [
        ("NamespacesGoverned", ["a"]),
        ("NamespacesGoverned", ["b"]),
        ("NamespacesReleased", ["a"]),
    ]


async def test_after_a_restart_the_number_in_the_status_tells_whether_they_changed(
    trail: Trail, audit_log: Path
) -> None:
    for number in (2, 3):
        restarted = PolicyAuditor(trail, Settings())
        restarted.looked(POLICY, governing("a", "b", number=number))
        restarted.settled(POLICY, governing("a", "b", number=2), {})
        assert bool(read(audit_log)) == (number == 3)

    assert read(audit_log)[1]["detail"]["numberBefore"] == 3


async def test_while_a_policy_is_stalled_nothing_is_governed_otherwise(trail: Trail, audit_log: Path) -> None:
    stalled = {"conditions": [{"type": "Stalled", "status": "True", "reason": "InvalidSpec"}]}

    auditor = PolicyAuditor(trail, Settings())
    auditor.looked(POLICY, governing())
    auditor.settled(POLICY, governing("a"), stalled)

    assert not read(audit_log)


async def test_who_approved_an_exception_is_named(trail: Trail, audit_log: Path) -> None:
    uid = "0f2b3c4d-1111-2222-3333-444455556666"
    asked = make(EGRESS_EXCEPTION, "translate", uid=uid, spec={"requestedBy": {"username": "jan@example.nl"}})
    approval = {
        "exception": {"name": "translate", "uid": uid},
        "reason": "There is no local model for this language.",
        "approvedBy": {"username": "anna@example.nl"},
    }
    approved = ExceptionObserved(asked, approvals=(make(EGRESS_APPROVAL, "anna", spec=approval),))

    ExceptionAuditor(trail).told(approved, {"phase": "Approved", "approvals": 1}, asked)

    told = [(entry["action"], entry["actor"]) for entry in read(audit_log)[1:]]
    assert told == [("ExceptionRequested", "jan@example.nl"), ("ExceptionApproved", "anna@example.nl")]

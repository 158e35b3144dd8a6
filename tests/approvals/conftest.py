"""One real API server with real people, and no operator: without the policies, with them, and with stamps as well."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

import needing
from admission.asking import Answer, Asker
from approvals.objects import NO_UID, Manifest, approval, exception
from approvals.people import (
    APPROVER,
    BOUND,
    ELSEWHERE,
    GROUPS,
    HERE,
    MIGHTY,
    OPERATOR,
    PIPELINE,
    UNTRUSTED,
    bindings,
    roles,
)
from bolwerk.api.crd import crd_yaml
from bolwerk.api.resources import EGRESS_APPROVAL, EGRESS_EXCEPTION
from bolwerk.core.admission.cel import listed, text
from bolwerk.core.approvals import Installation, refusals, stamping
from harness import process
from harness.controlplane import ADMIN, ControlPlane

INSTALLATION = Installation(name="bolwerk", operator=text(OPERATOR), attesters=listed([PIPELINE, UNTRUSTED]))
CRDS = (EGRESS_EXCEPTION, EGRESS_APPROVAL)

Mode = Literal["open", "typed", "stamped"]
"""Without any policy; as on Kubernetes 1.33 to 1.35, where people write who they are; as on 1.36 and newer."""


@dataclass
class Server:
    """The API server with the policies of a mode in force."""

    mode: Mode
    ask: Callable[[str], Asker]
    earlier: list[Manifest] = field(default_factory=list)
    """Exceptions from before the policies: by somebody, and by one who now has another name."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def name(self) -> str:
        return f"{self.mode}-{next(self._numbers)}"

    def judged(self, answer: Answer, *sentences: str) -> None:
        """Check that a policy refuses with one of these sentences, and that without the policies nothing would."""
        if self.mode == "open":
            assert answer.allowed, answer
        else:
            assert not answer.allowed
            assert "ValidatingAdmissionPolicy" in answer.message, answer
            assert any(sentence in answer.message for sentence in sentences), answer

    def stands(self, user: str, manifest: Manifest) -> Manifest:
        """Have an object made that nobody objects to, and return it as it is stored."""
        answer = self.ask(user).create(manifest, keep=True)
        assert answer.allowed, answer
        return self.stored(manifest)

    def stored(self, manifest: Manifest) -> Manifest:
        return self.ask(ADMIN).get(manifest)

    def requested(self, user: str, *, namespace: str = HERE) -> Manifest:
        """Return an exception that a user asked for, once admission knows of it."""
        made = self.stands(user, exception(namespace, self.name(), **self.by("requestedBy", user)))
        self.wait_until_known(made)
        return made

    def wait_until_known(self, made: Manifest) -> None:
        """Wait until admission looks at this exception: it learns of one some time after it is stored."""
        if self.mode != "open":
            known = functools.partial(self._knows, made)
            process.wait_for(known, what="admission to know of the exception", seconds=30)

    def by(self, field_: str, user: str) -> Manifest:
        """Return what people have to write where the server does not."""
        return {} if self.mode == "stamped" else {field_: {"username": user}}

    def approve(self, user: str, made: Manifest, *, keep: bool = False, **spec: Any) -> Answer:
        """Ask for an approval of an exception as it is stored."""
        metadata = made["metadata"]
        wanted = approval(
            metadata["namespace"],
            self.name(),
            of=metadata["name"],
            uid=metadata["uid"],
            **(self.by("approvedBy", user) | spec),
        )
        return self.ask(user).create(wanted, keep=keep)

    def _knows(self, made: Manifest) -> bool:
        if self.mode == "stamped":
            return self.approve(APPROVER, made).allowed
        other = {**made, "metadata": {**made["metadata"], "uid": NO_UID}}
        return "made anew" in self.approve(APPROVER, other).message


@pytest.fixture(scope="session")
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    needing.programs(request, "etcd", "kube-apiserver", "kubectl")
    with ControlPlane(tmp_path_factory.mktemp("plane"), users=GROUPS) as running:
        prepare(running)
        yield running


def prepare(plane: ControlPlane) -> None:
    """Let the people in, without any policy."""
    plane.kubectl("apply", "--server-side", "--filename=-", stdin="---\n".join(crd_yaml(each) for each in CRDS))
    plane.kubectl("wait", "--for=condition=Established", *(f"crd/{each.plural}.bolwerk.dev" for each in CRDS))
    for namespace in (HERE, ELSEWHERE):
        plane.kubectl("create", "namespace", namespace)
    send(plane, "apply", [*roles(), *bindings(BOUND)])


@pytest.fixture(scope="session")
def ask(plane: ControlPlane) -> Iterator[Callable[[str], Asker]]:
    """Everybody, by user name."""
    with contextlib.ExitStack() as stack:
        yield functools.cache(lambda user: stack.enter_context(Asker(plane, user)))


@pytest.fixture(scope="session", params=["open", "typed", "stamped"])
def server(request: pytest.FixtureRequest, plane: ControlPlane, ask: Callable[[str], Asker]) -> Iterator[Server]:
    mode: Mode = request.param
    objects = [
        *(refusals(INSTALLATION) if mode != "open" else ()),
        *(stamping(INSTALLATION) if mode == "stamped" else ()),
    ]
    running = Server(mode, ask)
    for person in ({"username": "somebody"}, {"username": "formerly", "uid": MIGHTY}):
        running.earlier.append(running.stands(ADMIN, exception(HERE, running.name(), requestedBy=person)))
    if not objects:
        yield running
        return
    before = running.earlier[0]
    send(plane, "apply", objects)
    process.wait_for(lambda: in_force(running, before), what="the policies to be in force", seconds=60)
    yield running
    # The stamps first: what is typed then shows again.
    send(plane, "delete", objects[::-1])
    process.wait_for(lambda: gone(running, before), what="the policies to be gone", seconds=60)


@pytest.fixture(scope="session")
def empty(plane: ControlPlane) -> str:
    """A namespace in which nothing was asked."""
    plane.kubectl("create", "namespace", "empty")
    return "empty"


def in_force(server: Server, before: Manifest) -> bool:
    """Whether the last of the rules, and of the stamps, is known to the API server: it learns of them in order."""
    typed = {"username": MIGHTY}
    other = {**before, "metadata": {**before["metadata"], "uid": NO_UID}}
    return not server.approve(MIGHTY, other, approvedBy=typed).allowed and server.approve(MIGHTY, before).allowed


def gone(server: Server, before: Manifest) -> bool:
    return server.approve(MIGHTY, before, approvedBy={"username": "somebody else"}).allowed


def send(plane: ControlPlane, verb: str, manifests: list[Manifest]) -> None:
    flags = ["--server-side"] if verb == "apply" else []
    content = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    plane.kubectl(verb, *flags, "--filename=-", stdin=content)

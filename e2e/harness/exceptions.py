"""Exceptions as people make them: who asks, who approves, and what became of it.

Used by the scenarios about exceptions. Everybody acts under their own name and with the roles of the chart and no
others: the tests' admin may do anything, and would show nothing.
"""

import dataclasses
import datetime as dt
import json
import math
import time
from typing import Any

from harness import operator, process, wall
from harness.cluster import Cluster
from harness.pods import Destination, Pod

ASKER, SECOND, BYSTANDER = "asker@example.org", "second@example.org", "bystander@example.org"
"""Who asks (and may approve too, but not what they ask for), who may approve, and who may only write approvals."""
JANITOR = f"{operator.RELEASE}-janitor"
PATIENCE = 60.0  # seconds for the operator and the network to do what has just been decided
# The API server knows a new exception of its own only a moment later, and refuses its approvals until then.
_NOT_KNOWN_YET = ("spec.approvedBy is missing", "no params found")


@dataclasses.dataclass(frozen=True)
class Asked:
    """An exception that was asked for."""

    namespace: str
    name: str
    uid: str
    until: float
    """When it ends, in seconds since 1970."""


@dataclasses.dataclass(frozen=True)
class Desk:
    """Where exceptions are asked for and approved."""

    cluster: Cluster

    def ask(self, name: str, pod: Pod, destination: Destination, *, seconds: float) -> Asked:
        """Ask for a pod to reach one destination, an address or a name, for so many seconds from now on."""
        where = {"domain": destination.host} if destination.kind == "name" else {"network": f"{destination.host}/32"}
        until = math.ceil(time.time() + seconds)
        wanted = {
            "apiVersion": "bolwerk.dev/v1alpha1",
            "kind": "EgressException",
            "metadata": {"name": name, "namespace": pod.namespace},
            "spec": {
                "ground": "WeightyReason",
                "justification": "The case files have to be summarised before the hearing of next week.",
                "alternativesConsidered": "A local model of 8 billion parameters was tried; it mixed up the parties.",
                "subject": {"podSelector": {"matchLabels": {"app": pod.name}}},
                "destinations": [{**where, "ports": [{"port": destination.port}]}],
                "dataClassification": "Public",
                "ticket": "CHG-1",
                "validFrom": _stamp(time.time() - 1),
                "validUntil": _stamp(until),
                "exitPlan": "A larger local model takes over as soon as the second card has been delivered.",
            },
        }
        made = json.loads(self._create(wanted, by=ASKER))
        return Asked(pod.namespace, name, made["metadata"]["uid"], until)

    def approve(self, asked: Asked) -> str:
        """Approve, waiting until the API server knows the exception, and return the approval's name."""

        def taken() -> str | None:
            try:
                return self.try_to_approve(asked, by=SECOND)
            except RuntimeError as refusal:
                if any(each in str(refusal) for each in _NOT_KNOWN_YET):
                    return None
                raise

        return process.wait_for(taken, what=f"an approval of {asked.name}", seconds=10, every=0.2)

    def try_to_approve(self, asked: Asked, *, by: str, **spec: Any) -> str:
        """Approve under somebody's name, once, and return the approval's name.

        Raises
        ------
        RuntimeError
            The API server refuses it; the message says why.
        """
        name = f"{asked.name}-{asked.uid[:8]}-{by.partition('@')[0]}"
        wanted = {
            "apiVersion": "bolwerk.dev/v1alpha1",
            "kind": "EgressApproval",
            "metadata": {"name": name, "namespace": asked.namespace},
            "spec": {
                "exception": {"name": asked.name, "uid": asked.uid},
                "reason": "Discussed with the privacy officer; the files are public.",
                **spec,
            },
        }
        self._create(wanted, by=by)
        return name

    def approvals(self, asked: Asked) -> list[str]:
        """Return the names of the approvals of an exception."""
        found = self.cluster.control_plane.kubectl(
            *("get", "egressapprovals", f"--namespace={asked.namespace}", "--output=json")
        )
        named = ((each["metadata"]["name"], each["spec"]["exception"]["uid"]) for each in json.loads(found)["items"])
        return [name for name, uid in named if uid == asked.uid]

    def delete(self, kind: str, namespace: str, name: str, *, by: str) -> None:
        """Delete an exception or an approval."""
        self._kubectl("delete", kind, name, f"--namespace={namespace}", by=by)

    def status(self, asked: Asked) -> dict[str, Any]:
        """Return the exception's status."""
        found = self.cluster.get("egressexception", asked.name, asked.namespace) or {}
        status: dict[str, Any] = found.get("status", {})
        return status

    def message(self, asked: Asked) -> str:
        """Return what its status says to people."""
        conditions = {each["type"]: each for each in self.status(asked).get("conditions", ())}
        return str(conditions.get("Ready", {}).get("message"))

    def wait_for(self, asked: Asked, phase: str, *, seconds: float = PATIENCE) -> None:
        """Wait until the exception is in a phase, and show what its status says."""
        started = time.monotonic()
        process.wait_for(
            lambda: self.status(asked).get("phase") == phase,
            what=f"{asked.name} to be {phase}",
            seconds=seconds,
            every=0.1,
        )
        print(f"\n    {phase} after {time.monotonic() - started:.1f} s: {self.message(asked)}", flush=True)

    def open_exceptions(self) -> list[str]:
        """Return namespace/name of what the policy's status says is open."""
        found = self.cluster.get("sovereigntypolicy", wall.POLICY, "default") or {}
        listed = found.get("status", {}).get("openExceptions", ())
        return [f"{each['namespace']}/{each['name']}" for each in listed]

    def run_janitor(self, name: str) -> str:
        """Run the safety net once, as the CronJob would, and return what it says."""
        plane, where = self.cluster.control_plane, f"--namespace={operator.NAMESPACE}"
        plane.kubectl("create", "job", name, f"--from=cronjob/{JANITOR}", where)
        try:
            plane.kubectl("wait", f"job/{name}", where, "--for=condition=Complete", "--timeout=90s")
        except RuntimeError as failure:
            told = plane.kubectl("logs", f"job/{name}", where, "--tail=30")
            raise RuntimeError(f"{failure}; it said: {told}") from failure
        return plane.kubectl("logs", f"job/{name}", where).strip()

    def _create(self, manifest: dict[str, Any], *, by: str) -> str:
        return self._kubectl("create", "--filename=-", "--output=json", by=by, stdin=json.dumps(manifest))

    def _kubectl(self, *arguments: str, by: str, stdin: str | None = None) -> str:
        return self.cluster.control_plane.kubectl(*arguments, f"--as={by}", stdin=stdin)


def open_desk(cluster: Cluster) -> Desk:
    """Give people their roles, and let the safety net run only when it is told to."""
    asking, approving = (f"{operator.RELEASE}-exception-{what}" for what in ("requester", "approver"))
    writing = {"apiGroups": ["bolwerk.dev"], "resources": ["egressapprovals"], "verbs": ["create"]}
    cluster.apply(
        {**_RBAC, "kind": "ClusterRole", "metadata": {"name": "writes-approvals"}, "rules": [writing]},
        _binding(asking, ASKER),
        _binding(approving, ASKER, SECOND),
        _binding("writes-approvals", BYSTANDER),
    )
    suspended = json.dumps({"spec": {"suspend": True}})
    where = f"--namespace={operator.NAMESPACE}"
    cluster.control_plane.kubectl("patch", "cronjob", JANITOR, where, "--patch", suspended)
    return Desk(cluster)


_RBAC = {"apiVersion": "rbac.authorization.k8s.io/v1"}


def _binding(role: str, *users: str) -> dict[str, Any]:
    return {
        **_RBAC,
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"people-{role}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user} for user in users],
    }


def _stamp(instant: float) -> str:
    return dt.datetime.fromtimestamp(int(instant), tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

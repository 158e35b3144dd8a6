"""The LocalModel `chat` of the tests of the controller, and a reconciliation of it that can be followed in the head."""

from datetime import datetime

from bolwerk.core.kinds import DEPLOYMENT, LOCAL_MODEL, NETWORK_POLICY, SERVICE, Kind, Ref
from bolwerk.core.model.observed import Observed
from bolwerk.core.plan import Apply, Event, Manifest, Plan
from bolwerk.core.settings import Settings

CHAT = Ref(LOCAL_MODEL, "team", "chat")
UID = "u-chat"
MODEL_PATH = "/apis/bolwerk.dev/v1alpha1/namespaces/team/localmodels/chat"
SERVICE_PATH = "/api/v1/namespaces/team/services/chat"
POLICY_PATH = "/apis/networking.k8s.io/v1/namespaces/team/networkpolicies/chat"
DEPLOYMENT_PATH = "/apis/apps/v1/namespaces/team/deployments/chat"


def child(kind: Kind, **fields: object) -> Manifest:
    owner = {"apiVersion": "bolwerk.dev/v1alpha1", "kind": "LocalModel", "name": "chat", "uid": UID, "controller": True}
    return {
        "apiVersion": kind.api_version,
        "kind": kind.name,
        "metadata": {"namespace": "team", "name": "chat", "ownerReferences": [owner]},
        **fields,
    }


def converging(observed: Observed, _: Settings, __: datetime) -> Plan:
    """Want a policy, a service and a deployment, and tell how many there are and what was refused."""
    wanted = [child(NETWORK_POLICY), child(SERVICE), child(DEPLOYMENT)]
    kinds = [NETWORK_POLICY, SERVICE, DEPLOYMENT]
    absent = [
        Apply(kind, manifest, "absent")
        for kind, manifest in zip(kinds, wanted, strict=True)
        if kind not in observed.children
    ]
    told = {"children": len(observed.children), "refused": [refusal.message for refusal in observed.refusals]}
    live = observed.model.get("status")
    event = Event("Normal", "Done", "Reconcile", "all is there")
    return Plan(
        apply=tuple(absent),
        status=None if live == told else told,
        events=() if live == told or absent else (event,),
        requeue_after=60.0,
    )

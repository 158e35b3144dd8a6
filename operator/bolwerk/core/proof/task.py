"""What one probe pod is told to do, as the operator writes it into the pod and the probe reads it.

Written by `core.proof` when it builds a pod, read by `programs.probe`. A task holds no secret: it stands in the pod's
environment, where everybody who may read the pod reads it too.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

__all__ = ["CLUSTER_DNS", "Arm", "Family", "Target", "Task", "Vector"]

Arm = Literal["Control", "Treatment", "Function"]
Vector = Literal["TCP", "UDP", "DNS", "Proxy", "Metadata", "Name"]
Family = Literal["IPv4", "IPv6"]

CLUSTER_DNS = "cluster"
"""As the address of a DNS target: the resolvers of the pod's own resolv.conf."""


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


class Target(_Strict):
    """One thing to try.

    Attributes
    ----------
    arm
        What is expected of it: `Treatment` must be blocked, `Control` and `Function` must get through. One pod has
        targets of both: a governed application must not get out, and must still resolve names.
    address
        An IP address; `CLUSTER_DNS` for DNS only; empty for Name.
    port
        1 to 65535; 0 for Name.
    to
        For Proxy: `host:port` to CONNECT to. For Name: the host name to resolve through the cluster's DNS. For DNS: the
        name to ask for.
    """

    arm: Arm
    vector: Vector
    family: Family
    address: Annotated[str, Field(max_length=45)] = ""
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    to: Annotated[str, Field(max_length=280)] = ""


class Task(_Strict):
    """All that one pod has to try.

    Attributes
    ----------
    run
        The run that the pod belongs to; comes back in its document.
    targets
        In the order in which the document answers them. Those of vector Name come last.
    allowed
        Networks (CIDR) that governed pods may reach: a catalogue name that resolves into them leads outside by a
        private endpoint.
    attempts
        Tries of one target before it counts as blocked; the first success ends them.
    timeout_seconds
        Of one try.
    patience_seconds
        How long a treatment that gets through is tried again, so that it is measured as late as a gate lets an engine
        start: some network plugins take seconds with a new pod. Its last try counts.
    """

    run: Annotated[str, Field(min_length=1, max_length=63)]
    targets: Annotated[tuple[Target, ...], Field(min_length=1, max_length=96)]
    allowed: Annotated[tuple[Annotated[str, Field(max_length=49)], ...], Field(max_length=64)] = ()
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    timeout_seconds: Annotated[float, Field(gt=0, le=10)] = 2.0
    patience_seconds: Annotated[float, Field(ge=0, le=6)] = 0.0

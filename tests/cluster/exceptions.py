"""Exceptions on a real control plane: the chart as it is with their CRDs, people's objects, and the janitor's process.

The chart is copied with the CRDs and without the admission policies of four eyes, which tests/approvals is about; so
this is the same before and after they ship, and tests write who asked and who approved.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from approvals.objects import approval, exception
from bolwerk.api.crd import crd_yaml
from bolwerk.api.resources import EGRESS_APPROVAL, EGRESS_EXCEPTION
from bolwerk.core.egress.hole import EXCEPTION_LABEL
from cluster.operating import get
from harness.controlplane import ControlPlane
from harness.operator import CHART, NAMESPACE, RELEASE, helm

KINDS = (EGRESS_EXCEPTION, EGRESS_APPROVAL)
JANITOR = f"system:serviceaccount:{NAMESPACE}:{RELEASE}-janitor"


def install(plane: ControlPlane, directory: Path) -> None:
    """Install the chart with exceptions, without pods of its own."""
    chart = directory / "bolwerk"
    shutil.copytree(CHART, chart)
    (chart / "files/four-eyes.yaml").unlink(missing_ok=True)
    for resource in KINDS:
        (chart / "files/crds" / f"{resource.plural}.yaml").write_text(crd_yaml(resource), encoding="utf-8")
    place = [f"--namespace={NAMESPACE}", "--create-namespace", "--set=replicas=0"]
    helm(plane, "install", RELEASE, str(chart), *place)
    plurals = ("localmodels", "sovereigntypolicies", *(resource.plural for resource in KINDS))
    plane.kubectl(
        "wait", *(f"crd/{plural}.bolwerk.dev" for plural in plurals), "--for=condition=Established", "--timeout=60s"
    )


def instant(seconds: float) -> tuple[datetime, str]:
    """Return the whole second that is so far away at least, and how an exception spells it."""
    when = (datetime.now(UTC) + timedelta(seconds=seconds + 1)).replace(microsecond=0)
    return when, when.strftime("%Y-%m-%dT%H:%M:%SZ")


ADDRESS: Mapping[str, str] = {"network": "203.0.113.10/32"}
NAME: Mapping[str, str] = {"domain": "speech.example"}
"""Where exceptions lead; the backend of these tests cannot open names."""


def ask(
    plane: ControlPlane, namespace: str, *names: str, seconds: float = 3600, to: Mapping[str, str] = ADDRESS
) -> tuple[datetime, list[str]]:
    """Have exceptions asked for that have begun already; return when they end, and their uids."""
    ends, until = instant(seconds)
    wanted = [
        exception(
            namespace,
            name,
            destinations=[{**to, "ports": [{"port": 443}]}],
            validFrom=(ends - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            validUntil=until,
            requestedBy={"username": "jan"},
        )
        for name in names
    ]
    return ends, _create(plane, wanted)


def approve(plane: ControlPlane, namespace: str, asked: Iterable[tuple[str, str]]) -> None:
    """Have exceptions, by name and uid, approved by somebody else."""
    by = {"username": "eva"}
    _create(plane, [approval(namespace, name, of=name, uid=uid, approvedBy=by) for name, uid in asked])


def _create(plane: ControlPlane, manifests: list[dict[str, Any]]) -> list[str]:
    """Create objects and return their uids."""
    content = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    answer = plane.kubectl("create", "--filename=-", "--output=jsonpath={.metadata.uid}{'\\n'}", stdin=content)
    return answer.split()


def holes(plane: ControlPlane, namespace: str) -> list[str]:
    """Return the names of the objects that are holes."""
    answer = plane.kubectl(
        "get", "networkpolicy", f"--namespace={namespace}", f"--selector={EXCEPTION_LABEL}", "--output=name"
    )
    return answer.split()


def status(plane: ControlPlane, namespace: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = get(plane, "egressexception", name, namespace).get("status", {})
    return found


def phase(plane: ControlPlane, namespace: str, name: str) -> str:
    return str(status(plane, namespace, name).get("phase"))


def deletions(plane: ControlPlane, mark: int, namespace: str) -> list[tuple[str, datetime]]:
    """Return who deleted NetworkPolicies after a mark, and when the API server had the request."""
    found = []
    for event in plane.audit.events(mark):
        about = event.get("objectRef", {})
        if (event["verb"], about.get("resource"), about.get("namespace")) == ("delete", "networkpolicies", namespace):
            when = datetime.fromisoformat(event["requestReceivedTimestamp"])
            found.append((event["user"]["username"], when))
    return found


def janitor(plane: ControlPlane, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run what the chart's job runs, once, with the rights that it gives it; `environment` is more of its own."""
    job = get(plane, "cronjob", f"{RELEASE}-janitor", NAMESPACE)
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    settings = plane.directory / "janitor-settings.yaml"
    text = get(plane, "configmap", f"{RELEASE}-settings", NAMESPACE)["data"]["settings.yaml"]
    settings.write_text(text, encoding="utf-8")
    account = plane.kubeconfig_for(NAMESPACE, pod["serviceAccountName"])
    return subprocess.run(
        [Path(sys.executable).with_name("bolwerk"), *pod["containers"][0]["args"], f"--settings={settings}"],
        env=plane.environment(account) | {"POD_NAMESPACE": NAMESPACE, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )

"""The LocalModels that are measured: what each asks for, what must come of it, and whether it did.

What must come of it is rendered by `bolwerk.preview`, so the floor writes the very manifests that the operator writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.client import Api, Manifest, each
from bolwerk.core.difference import difference
from bolwerk.core.kinds import CONFIG_MAP, LOCAL_MODEL, PERSISTENT_VOLUME_CLAIM, SERVICE, Kind
from bolwerk.core.model.observed import CHILD_KINDS, Observed
from bolwerk.core.model.reconcile import reconcile
from bolwerk.core.proof.targets import listening
from bolwerk.core.settings import Settings
from bolwerk.shell.settings import parse_settings
from harness import operator

IMAGE = f"registry.example.nl/vllm/vllm-openai@sha256:{'0' * 64}"
CLAIM = "models"
AT_ONCE = 32


@dataclass(frozen=True)
class Surroundings:
    """What the operator knows beside a LocalModel: its settings, and where its canary listens."""

    settings: Settings
    canaries: tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """What has to be written for one LocalModel: its children in order, and a status."""

    children: tuple[tuple[Kind, Manifest], ...]
    status: Manifest


def local_model(namespace: str, name: str) -> Manifest:
    """Return a LocalModel as an application team would write it."""
    return {
        "apiVersion": LOCAL_MODEL.api_version,
        "kind": LOCAL_MODEL.name,
        "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "model": {"source": {"persistentVolumeClaim": {"claimName": CLAIM, "path": "llama"}}, "size": "16Gi"},
            "engine": {"vllm": {"image": IMAGE, "maxModelLength": 8192}},
            "gpu": {"count": 1},
            "access": {"clients": [{"podSelector": {"matchLabels": {"app": "client"}}}]},
        },
    }


def names(count: int, namespaces: Sequence[str], *, prefix: str) -> list[tuple[str, str]]:
    """Return (namespace, name) of so many LocalModels, spread evenly."""
    return [(namespaces[number % len(namespaces)], f"{prefix}-{number:05}") for number in range(count)]


async def prepare(api: Api, namespaces: Sequence[str]) -> None:
    """Make the namespaces, each with a bound claim that holds all its models."""
    claim = {
        "apiVersion": "v1",
        "kind": PERSISTENT_VOLUME_CLAIM.name,
        "spec": {
            "accessModes": ["ReadOnlyMany"],
            "storageClassName": "shared",
            "volumeName": "models",
            "resources": {"requests": {"storage": "1Ti"}},
        },
    }
    for namespace in namespaces:
        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        await api.call("POST", "/api/v1/namespaces", body=made)
        await api.create(PERSISTENT_VOLUME_CLAIM, {**claim, "metadata": {"namespace": namespace, "name": CLAIM}})
        bound = {"status": {"phase": "Bound", "accessModes": ["ReadOnlyMany"], "capacity": {"storage": "1Ti"}}}
        await api.patch(PERSISTENT_VOLUME_CLAIM, namespace, CLAIM, bound, subresource="status")


async def create(api: Api, wanted: Sequence[tuple[str, str]]) -> list[Manifest]:
    """Create LocalModels and return them as the API server has them."""
    created: list[Manifest] = []

    async def one(model: tuple[str, str]) -> None:
        created.append(await api.create(LOCAL_MODEL, local_model(*model)))

    await each(wanted, one, at_once=AT_ONCE)
    return created


async def remove(api: Api, namespaces: Sequence[str]) -> None:
    """Delete all LocalModels and children; the operator must not be running, and nothing here collects garbage."""
    for namespace in namespaces:
        for kind in (LOCAL_MODEL, *CHILD_KINDS):
            path = f"{kind.root}/namespaces/{namespace}/{kind.plural}"
            await api.call("DELETE", path, query={"propagationPolicy": "Background"})


async def surroundings(api: Api) -> Surroundings:
    """Return what an installation lets its operator know."""
    maps = {each["metadata"]["name"]: each for each in await api.list(CONFIG_MAP, operator.NAMESPACE)}
    name = f"{operator.RELEASE}-settings"
    settings = parse_settings(maps[name]["data"]["settings.yaml"], name)
    services = {each["metadata"]["name"]: each for each in await api.list(SERVICE, operator.NAMESPACE)}
    return Surroundings(settings, listening(services[settings.canary_service]))


def wanted_for(model: Manifest, where: Surroundings) -> Wanted:
    """Return what has to be written for a LocalModel as it was created."""
    observed = Observed(model=model, canaries=where.canaries)
    plan = reconcile(observed, where.settings, datetime.now(UTC))
    if plan.status is None:
        raise RuntimeError(f"{model['metadata']['name']} has a status before anybody wrote one")
    return Wanted(tuple((apply.kind, apply.manifest) for apply in plan.apply), plan.status)


async def write(api: Api, model: Manifest, wanted: Wanted) -> None:
    """Write the children of one LocalModel in order, then its status: what the operator has to achieve at least."""
    for kind, manifest in wanted.children:
        await api.apply(kind, manifest)
    metadata = {key: model["metadata"][key] for key in ("namespace", "name", "uid")}
    head = {"apiVersion": LOCAL_MODEL.api_version, "kind": LOCAL_MODEL.name, "metadata": metadata}
    await api.apply(LOCAL_MODEL, {**head, "status": wanted.status}, subresource="status")


async def unfinished(api: Api, namespaces: Sequence[str], where: Surroundings) -> list[str]:
    """Return what is not as it must be, one line for each object; empty when all was written."""
    faults: list[str] = []
    for namespace in namespaces:
        models = await api.list(LOCAL_MODEL, namespace)
        live = {kind: {item["metadata"]["name"]: item for item in await api.list(kind, namespace)}
                for kind in CHILD_KINDS}  # fmt: skip
        for model in models:
            name, generation = model["metadata"]["name"], model["metadata"]["generation"]
            if (model.get("status") or {}).get("observedGeneration") != generation:
                faults.append(f"LocalModel {namespace}/{name}: status of generation {generation} missing")
            for kind, manifest in wanted_for({**model, "status": {}}, where).children:
                child, head = manifest["metadata"]["name"], {"apiVersion": kind.api_version, "kind": kind.name}
                found = live[kind].get(child)
                # An item of a list does not say what it is.
                because = "absent" if found is None else difference(manifest, head | found)
                if because:
                    faults.append(f"{kind.name} {namespace}/{child}: {because}")
    return faults

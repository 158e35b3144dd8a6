"""Whose policy is whose: which namespaces a change of policies, or of labels, concerns."""

from bolwerk.core.kinds import LOCAL_MODEL, NAMESPACE, SOVEREIGNTY_POLICY, Ref
from bolwerk.core.plan import Manifest
from bolwerk.core.settings import Settings
from bolwerk.shell.cache import Cache
from bolwerk.shell.models import LocalModels

from .objects import make, make_model, make_policy

CHAT = Ref(LOCAL_MODEL, "team", "chat")


def selecting(name: str, *, version: int = 1, generation: int = 1, **labels: str) -> Manifest:
    made = make_policy(name, uid=f"u-{name}")
    metadata = {**made["metadata"], "resourceVersion": str(version), "generation": generation}
    return {**made, "metadata": metadata, "spec": {"mode": "Enforce", "namespaceSelector": {"matchLabels": labels}}}


def team(*, version: int = 1, **labels: str) -> Manifest:
    made = make(NAMESPACE, "team", namespace="", version=version)
    return {**made, "metadata": {**made["metadata"], "labels": labels}}


def test_a_model_is_concerned_by_who_governs_its_namespace_and_by_nobody_else(cache: Cache) -> None:
    models = LocalModels(cache, settings=Settings())
    cache.put(LOCAL_MODEL, make_model("chat", uid="u-chat"))
    cache.put(NAMESPACE, team(zone="a"))

    def governs() -> list[str]:
        observed = models.observe(CHAT.key)
        assert observed is not None
        return [each["metadata"]["name"] for each in observed.governing]

    assert cache.put(SOVEREIGNTY_POLICY, selecting("other", zone="b")) == set()
    assert cache.put(SOVEREIGNTY_POLICY, selecting("state", zone="a")) == {CHAT}
    assert governs() == ["state"]
    status = {**selecting("state", zone="a", version=2), "status": {"governedNamespaces": 1}}
    assert cache.put(SOVEREIGNTY_POLICY, status) == set(), "what a policy's status says is no concern of models"
    assert cache.put(SOVEREIGNTY_POLICY, selecting("state", zone="a", version=3, generation=2)) == {CHAT}
    assert cache.put(NAMESPACE, team(zone="a", note="new", version=2)) == set()
    assert cache.put(NAMESPACE, team(zone="b", version=3)) == {CHAT}
    assert governs() == ["other"]
    assert cache.remove(SOVEREIGNTY_POLICY, selecting("other", zone="b", version=9)) == {CHAT}
    assert governs() == []

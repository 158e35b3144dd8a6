"""The golden walls: one input each, and what every backend makes of it, as YAML to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from bolwerk.api.sovereigntypolicy import SovereigntyPolicySpec
from bolwerk.core.egress.backend import BACKENDS, Backend
from bolwerk.core.egress.intent import Scene, Wall
from bolwerk.core.exceptions.holes import holes
from core.egress.worlds import intent_of
from core.policy.world import SETTINGS

FOLDER = Path(__file__).parent / "golden"
CASES = sorted(folder.name for folder in FOLDER.iterdir())
PAIRS = [(case, backend) for case in CASES for backend in BACKENDS]


class _Plain(yaml.SafeDumper):
    """Without anchors, which nobody wants to read."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        return True


def inputs(case: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / case / "input.yaml").read_text(encoding="utf-8")))


def wall(case: str, backend: Backend) -> Wall:
    policy, *others = inputs(case)
    namespaces = tuple(each["metadata"]["name"] for each in others if each["kind"] == "Namespace")
    policies: dict[str, tuple[Mapping[str, Any], ...]] = dict.fromkeys(namespaces, ())
    for each in others:
        if each["kind"] == "NetworkPolicy":
            policies[each["metadata"]["namespace"]] += (each,)
    intent = intent_of(policy)
    spec = SovereigntyPolicySpec.model_validate(policy["spec"])
    exceptions = [each for each in others if each["kind"] == "EgressException"]
    asked, unopened = holes(exceptions, spec, SETTINGS.catalogue)
    rendered = backend.render(replace(intent, holes=asked), Scene(namespaces, policies))
    return replace(rendered, unopened=(*unopened, *rendered.unopened))


def path(case: str, backend: Backend) -> Path:
    return FOLDER / case / f"{backend.name.lower()}.yaml"


def as_text(rendered: Wall) -> str:
    """Return the limits and what stays closed as comments, and the objects."""
    limits = "".join(f"# {limit}\n" for limit in rendered.limits)
    limits += "".join(f"# {hole.address}: {sentence}\n" for hole, sentence in rendered.unopened)
    objects = yaml.dump_all(rendered.objects, Dumper=_Plain, sort_keys=False, width=100) if rendered.objects else ""
    return f"{limits}---\n{objects}"


def expected(case: str, backend: Backend) -> list[dict[str, Any]]:
    text = path(case, backend).read_text(encoding="utf-8")
    return [each for each in yaml.safe_load_all(text) if each is not None]

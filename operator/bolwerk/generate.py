"""Every committed file that is derived from the models, so that one command writes them and one test compares them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import yaml

from bolwerk.api.crd import crd_yaml, shipped
from bolwerk.api.resources import EGRESS_APPROVAL, EGRESS_EXCEPTION, Resource
from bolwerk.core.approvals import Installation, refusals, stamping
from bolwerk.reference import reference

__all__ = ["FOUR_EYES", "four_eyes", "generated_files"]

FOUR_EYES = "charts/bolwerk/files/four-eyes.yaml"
"""What the API server does about exceptions; there as long as their CRDs ship."""

IN_THE_CHART = Installation(name="@name@", operator="'@operator@'", attesters="@attesters@")
"""What charts/bolwerk/templates replaces by what it knows. The last one becomes a list."""


def generated_files() -> Mapping[str, str]:
    """Return content by path, relative to the root of the repository."""
    files: dict[str, str] = {}
    for resource in shipped():
        text = crd_yaml(resource)
        files[f"crds/{resource.plural}.yaml"] = text
        # Helm refuses to read files outside the chart, and never upgrades what stands in a chart's own crds/.
        files[f"charts/bolwerk/files/crds/{resource.plural}.yaml"] = text
    # kustomize refuses to read single files outside its folder.
    files["manifests/install/crds.yaml"] = "---\n".join(crd_yaml(resource) for resource in shipped())
    files["docs/reference.md"] = reference(shipped())
    return files | four_eyes(shipped())


def four_eyes(installed: Iterable[Resource]) -> dict[str, str]:
    """Return the chart's file with the admission policies of exceptions, or nothing while these do not ship."""
    kinds = {resource.kind for resource in installed}
    if not {EGRESS_EXCEPTION.kind, EGRESS_APPROVAL.kind} <= kinds:
        return {}
    content = {"refusals": list(refusals(IN_THE_CHART)), "stamps": list(stamping(IN_THE_CHART))}
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000)
    return {
        FOUR_EYES: f"# Generated from operator/bolwerk/core/approvals by `make crds`; edit that, not this file.\n{text}"
    }

"""Every committed file that is derived from the models, so that one command writes them and one test compares them."""

from __future__ import annotations

from collections.abc import Mapping

from bolwerk.api.crd import crd_yaml, shipped
from bolwerk.reference import reference

__all__ = ["generated_files"]


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
    return files

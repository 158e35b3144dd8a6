"""Every committed file that is derived from the models, so that one command writes them and one test compares them."""

from __future__ import annotations

from collections.abc import Mapping

from bolwerk.api.crd import crd_yaml, shipped

__all__ = ["generated_files"]


def generated_files() -> Mapping[str, str]:
    """Return content by path, relative to the root of the repository."""
    return {f"crds/{resource.plural}.yaml": crd_yaml(resource) for resource in shipped()}

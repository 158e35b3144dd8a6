"""Reads the files that people hand to `render` and `plan`: the objects in them that any decision of Bolwerk looks at.

It knows what a manifest is, not what one means; whatever else a file holds is nobody's concern here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from bolwerk.core.catalogue.overlay import OVERLAY_KEY
from bolwerk.core.kinds import (
    CILIUM_NETWORK_POLICY,
    CONFIG_MAP,
    LOCAL_MODEL,
    NAMESPACE,
    NETWORK_POLICY,
    PERSISTENT_VOLUME_CLAIM,
    SOVEREIGNTY_POLICY,
    Kind,
    Ref,
)
from bolwerk.core.plan import Manifest
from bolwerk.core.policy.observed import OPTIONAL_KINDS, OVERLAY_NAME
from bolwerk.preview.refused import RefusedError

__all__ = ["RECONCILED", "Document", "Documents", "overlay", "read"]

STANDARD_INPUT = Path("-")
SUFFIXES = frozenset({".yaml", ".yml", ".json"})

RECONCILED: tuple[Kind, ...] = (LOCAL_MODEL, SOVEREIGNTY_POLICY)
KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (*RECONCILED, NAMESPACE, NETWORK_POLICY, PERSISTENT_VOLUME_CLAIM, CONFIG_MAP, *OPTIONAL_KINDS)
}
NAMESPACED = frozenset({LOCAL_MODEL, NETWORK_POLICY, PERSISTENT_VOLUME_CLAIM, CONFIG_MAP, CILIUM_NETWORK_POLICY})

Document = tuple[Ref, Manifest]
Documents = tuple[Document, ...]
"""The objects in the order of the files, each with its address."""


def read(paths: Iterable[Path]) -> Documents:
    """Read files, all YAML and JSON files of folders, and for `-` the standard input.

    Raises
    ------
    RefusedError
        When something is no manifest or stands there twice, or there is nothing that matters.
    """
    found: dict[Ref, Manifest] = {}
    for path in paths:
        for file in _files(path):
            for manifest in _objects(_loaded(file), str(file)):
                for ref, kept in _addressed(manifest, str(file)):
                    if ref in found:
                        raise RefusedError(f"{ref} stands twice in what was given: remove one of the two")
                    found[ref] = kept
    if not found:
        kinds = " and no ".join(kind.name for kind in RECONCILED)
        raise RefusedError(f"there is no {kinds} in what was given, nor anything else that the operator looks at")
    return tuple(found.items())


def overlay(path: Path, namespace: str) -> Document:
    """Read an overlay of the catalogue: its ConfigMap, or the text that stands in one.

    Raises
    ------
    RefusedError
        When it is neither.
    """
    first, *more = _loaded(path) or [None]
    data = first.get("data") if isinstance(first, dict) and first.get("kind") == CONFIG_MAP.name else None
    if more or not isinstance(first, dict):
        raise RefusedError(f"{path}: an overlay is one YAML document, a ConfigMap or what stands in its {OVERLAY_KEY}")
    text = path.read_text(encoding="utf-8")
    metadata = {"name": OVERLAY_NAME, "namespace": namespace}
    manifest = {
        "apiVersion": CONFIG_MAP.api_version,
        "kind": CONFIG_MAP.name,
        "metadata": metadata,
        "data": data if data is not None else {OVERLAY_KEY: text},
    }
    return Ref(CONFIG_MAP, namespace, OVERLAY_NAME), manifest


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(each for each in path.iterdir() if each.suffix in SUFFIXES)
    if not files:
        raise RefusedError(f"{path}: there is no {', '.join(sorted(SUFFIXES))} file in this folder")
    return files


def _loaded(path: Path) -> list[Any]:
    try:
        text = sys.stdin.read() if path == STANDARD_INPUT else path.read_text(encoding="utf-8")
        return list(yaml.safe_load_all(text))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RefusedError(f"{path}: {error}") from error


def _objects(documents: Iterable[Any], source: str) -> Iterator[Mapping[str, Any]]:
    for document in documents:
        if document is None:
            continue
        if not isinstance(document, dict):
            raise RefusedError(f"{source}: a document is a {type(document).__name__} and no Kubernetes object")
        if document.get("kind") == "List" and isinstance(document.get("items"), list):
            yield from _objects(document["items"], source)
        else:
            yield document


def _addressed(manifest: Mapping[str, Any], source: str) -> Iterator[tuple[Ref, Manifest]]:
    kind = KINDS.get(str(manifest.get("kind")))
    if kind is None or str(manifest.get("apiVersion")).partition("/")[0] != kind.api_version.partition("/")[0]:
        return
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        raise RefusedError(f"{source}: a {kind.name} has no metadata.name")
    if manifest["apiVersion"] != kind.api_version:
        raise RefusedError(
            f"{source}: {kind.name} {metadata['name']} is of {manifest['apiVersion']}; write {kind.api_version}"
        )
    if _is_a_product(metadata):
        return  # the output of `kubectl get` or of `bolwerk render`: worked out anew
    namespace = str(metadata.get("namespace") or "default") if kind in NAMESPACED else ""
    if kind == CONFIG_MAP and metadata["name"] != OVERLAY_NAME:
        return
    placed = {"name": metadata["name"], **({"namespace": namespace} if namespace else {})}
    wished = {key: metadata[key] for key in ("labels", "annotations") if metadata.get(key)}
    kept = {key: value for key, value in manifest.items() if key != "status"}
    yield Ref(kind, namespace, metadata["name"]), {**kept, "metadata": {**placed, **wished}}


def _is_a_product(metadata: Mapping[str, Any]) -> bool:
    owners = metadata.get("ownerReferences") or ()
    return any(owner.get("kind") in {kind.name for kind in RECONCILED} for owner in owners)

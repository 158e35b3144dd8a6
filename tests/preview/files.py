"""Objects as people write them, for the tests of `render` and `plan`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bolwerk.core.kinds import SOVEREIGNTY_POLICY
from bolwerk.core.settings import Settings
from bolwerk.preview.documents import Documents, read
from bolwerk.shell.settings import load_settings

Manifest = dict[str, Any]

SETTINGS: Settings = load_settings(None)
NAMESPACE = SETTINGS.namespace


def policy(name: str = "baseline", *, backend: str | None = "NetworkPolicy", **spec: Any) -> Manifest:
    wanted = {
        "namespaceSelector": {"matchLabels": {"governed": "yes"}},
        "mode": "Enforce",
        "internal": {"networks": ["10.20.0.0/16"]},
        **({"enforcement": {"backend": backend}} if backend else {}),
        **spec,
    }
    return {
        "apiVersion": SOVEREIGNTY_POLICY.api_version,
        "kind": SOVEREIGNTY_POLICY.name,
        "metadata": {"name": name},
        "spec": wanted,
    }


def namespace(name: str, **labels: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def model(name: str = "chat", **metadata: Any) -> Manifest:
    return {
        "apiVersion": "bolwerk.dev/v1alpha1",
        "kind": "LocalModel",
        "metadata": {"name": name, **metadata},
        "spec": {
            "model": {"source": {"persistentVolumeClaim": {"claimName": "weights", "path": "llama"}}},
            "engine": {"vllm": {"image": "registry.example/vllm@sha256:" + "0" * 64}},
            # The gate would need an installation: its image and its canary. Goldens have it.
            "isolation": {"required": False},
        },
    }


def documents(path: Path, *manifests: Manifest) -> Documents:
    """Read what would be read from a file with these objects."""
    file = path / "objects.yaml"
    file.write_text("\n---\n".join(json.dumps(manifest) for manifest in manifests), encoding="utf-8")
    return read([file])

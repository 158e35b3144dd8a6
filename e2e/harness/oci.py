"""OCI images without a container engine: folders become layers, layers become an archive that a runtime imports.

Used by harness.images. Layers are plain tars, since they only travel within this machine; the archive is written
straight into the importer's input and never lies on the disk a second time. Nothing here knows what is in an image.
"""

import dataclasses
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

from typing_extensions import override

_CHUNK = 4 << 20  # bytes
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_INDEX = "application/vnd.oci.image.index.v1+json"


@dataclasses.dataclass(frozen=True)
class Layer:
    """A tar on the disk that one or more images are made of."""

    tar: Path
    digest: str
    size: int

    @classmethod
    def pack(cls, tree: Path, folder: Path) -> Self:
        """Pack a folder's content, as root's own files where they were made by hand, into `folder`."""
        path = folder / "layer.tar"
        with path.open("wb") as file:
            hashing = _Hashing(file)
            # Sorted, so that equal trees make equal layers.
            with tarfile.TarFile(fileobj=hashing, mode="w", format=tarfile.PAX_FORMAT, copybufsize=_CHUNK) as tar:
                for entry in sorted(_walk(tree)):
                    tar.add(entry, arcname=str(entry.relative_to(tree)), recursive=False, filter=_whole_seconds)
        layer = cls(path, f"sha256:{hashing.sha256.hexdigest()}", path.stat().st_size)
        (folder / "layer.json").write_text(json.dumps({"digest": layer.digest, "size": layer.size}), encoding="utf-8")
        return layer

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the layer that was packed into a folder."""
        said = json.loads((folder / "layer.json").read_text(encoding="utf-8"))
        return cls(folder / "layer.tar", said["digest"], said["size"])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Image:
    """A reference, the layers from the lowest to the highest, and how a container of it starts."""

    reference: str
    layers: Sequence[Layer]
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    user: str = ""
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def config(self) -> bytes:
        """Return the image's configuration, as the OCI image specification wants it."""
        start: dict[str, Any] = {
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.command),
            "Env": [f"{name}={value}" for name, value in self.environment.items()],
        }
        if self.user:
            start["User"] = self.user
        return _json(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": start,
                "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in self.layers]},
            }
        )

    def manifest(self) -> bytes:
        """Return the manifest that names the configuration and the layers."""
        layers = [{"mediaType": _LAYER, "digest": layer.digest, "size": layer.size} for layer in self.layers]
        return _json(
            {"schemaVersion": 2, "mediaType": _MANIFEST, "config": _blob(_CONFIG, self.config()), "layers": layers}
        )

    @property
    def digest(self) -> str:
        """The digest by which a reference can pin this image."""
        return str(_blob(_MANIFEST, self.manifest())["digest"])


def write_archive(images: Sequence[Image], stream: IO[bytes]) -> None:
    """Write one OCI archive with all the images into a stream; layers that they share are in it once."""
    entries = [
        {**_blob(_MANIFEST, image.manifest()), "annotations": {"io.containerd.image.name": image.reference}}
        for image in images
    ]
    with tarfile.TarFile(fileobj=_Hashing(stream), mode="w", copybufsize=_CHUNK) as tar:
        _add(tar, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add(tar, "index.json", _json({"schemaVersion": 2, "mediaType": _INDEX, "manifests": entries}))
        for document in {document for image in images for document in (image.config(), image.manifest())}:
            _add(tar, _path(_blob("", document)["digest"]), document)
        for digest, layer in {layer.digest: layer for image in images for layer in image.layers}.items():
            tar.add(layer.tar, arcname=_path(digest))


class _Hashing(io.RawIOBase):
    """Passes on what is written, counts it and keeps its SHA-256; a pipe behind it need not know where it is."""

    def __init__(self, to: IO[bytes]) -> None:
        self.sha256 = hashlib.sha256()
        self._to = to
        self._written = 0

    @override
    def tell(self) -> int:
        return self._written

    @override
    def write(self, data: Any) -> int:
        self.sha256.update(data)
        self._to.write(data)
        self._written += len(data)
        return len(data)


def _walk(tree: Path) -> Iterable[Path]:
    for folder, folders, files in os.walk(tree):
        yield from (Path(folder, name) for name in (*folders, *files))


def _whole_seconds(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    # Python compares a compiled module's time with the source's in whole seconds; names differ between machines.
    entry.mtime = int(entry.mtime)
    entry.uname = entry.gname = ""
    return entry


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


def _blob(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "size": len(data)}


def _path(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()

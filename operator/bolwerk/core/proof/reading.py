"""Reading what a probe wrote: strictly, for anybody who can write a pod's status could have written it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from bolwerk.core.proof.document import LENGTH, Document

__all__ = ["Expected", "RefusedDocumentError", "read_document"]


class RefusedDocumentError(ValueError):
    """The message says in a sentence why a document does not count."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a document has to say about itself to count.

    Attributes
    ----------
    pod
        The pod's uid.
    addresses
        As the kubelet reports them.
    targets
        How many there were.
    earliest, latest
        The pod's life.
    """

    run: str
    pod: str
    node: str
    addresses: tuple[str, ...]
    targets: int
    earliest: datetime
    latest: datetime


def read_document(text: str, expected: Expected) -> Document:
    """Return the document.

    Raises
    ------
    RefusedDocumentError
        If it is none, or not this pod's of this run.
    """
    written = text.encode(errors="replace")
    if len(written) > LENGTH:
        raise RefusedDocumentError(f"it has more than {LENGTH} bytes")
    try:
        document = Document.model_validate_json(written, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise RefusedDocumentError(f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}") from error
    faults = {
        "it is of another run": document.run != expected.run,
        "it is of another pod": document.pod != expected.pod,
        "it is of another node": document.node != expected.node,
        "it tells other addresses than the kubelet": sorted(document.addresses) != sorted(expected.addresses),
        "it has not one result for each target": len(document.results) != expected.targets,
        "it ends before it begins": document.started > document.finished,
        "it is of another time than the pod": document.started < expected.earliest
        or document.finished > expected.latest,
        # It could be read in two ways: by a field that is told twice, for instance.
        "no probe writes it like this": document.model_dump_json(exclude_defaults=True) != text,
    }
    if fault := next((fault for fault, is_so in faults.items() if is_so), ""):
        raise RefusedDocumentError(fault)
    return document

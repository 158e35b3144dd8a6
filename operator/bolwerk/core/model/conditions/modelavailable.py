"""ModelAvailable: the model's bytes are where the pods can mount them."""

from __future__ import annotations

from bolwerk.core.conditions import Condition, false, true, unknown
from bolwerk.core.model import pods as reading
from bolwerk.core.model.conditions.view import View
from bolwerk.core.reasons import Reason

__all__ = ["TYPE", "model_available"]

TYPE = "ModelAvailable"


def model_available(view: View) -> Condition:
    """Decide the condition."""
    claim = view.subject.spec.model.source.persistent_volume_claim
    if claim:
        return _of_claim(view, claim.claim_name)
    image = view.subject.spec.model.source.image
    return _of_image(view, image.reference if image else "")


def _of_claim(view: View, name: str) -> Condition:
    claim = view.observed.claim
    if claim is None:
        where = view.subject.namespace
        return false(TYPE, Reason.CLAIM_MISSING, f"PersistentVolumeClaim {name} does not exist in {where}: create it")
    match (claim.get("status") or {}).get("phase"):
        case "Bound":
            return true(TYPE, Reason.CLAIM_BOUND, f"PersistentVolumeClaim {name} is bound")
        case "Lost":
            return false(TYPE, Reason.CLAIM_LOST, f"PersistentVolumeClaim {name} has lost its volume: restore it")
        case _:
            return unknown(
                TYPE,
                Reason.CLAIM_PENDING,
                f"PersistentVolumeClaim {name} is not bound yet; its StorageClass may wait for the first pod",
            )


def _of_image(view: View, reference: str) -> Condition:
    if reading.started(view.current):
        return true(TYPE, Reason.IMAGE_MOUNTED, f"image {reference} is mounted")
    for trouble in reading.troubles(view.current):
        if trouble.kind == "image" and reference in trouble.message:
            return false(TYPE, Reason.IMAGE_PULL_FAILED, f"the model's image cannot be mounted: {trouble.message}")
    return unknown(TYPE, Reason.IMAGE_NOT_MOUNTED_YET, f"image {reference} is mounted when a pod starts")

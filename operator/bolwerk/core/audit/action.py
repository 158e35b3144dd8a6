"""Every action that an entry of the audit trail can be about, in one place; docs/audit.md explains each."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Action"]


class Action(StrEnum):
    """Words that tools may match on; their meaning does not change between versions."""

    # The trail itself
    TRAIL_STARTED = "TrailStarted"
    TRAIL_RESUMED = "TrailResumed"
    HEAD_REPLACED = "HeadReplaced"

    # What people asked for
    POLICY_CREATED = "PolicyCreated"
    POLICY_CHANGED = "PolicyChanged"
    POLICY_DELETED = "PolicyDeleted"
    MODEL_CREATED = "ModelCreated"
    MODEL_CHANGED = "ModelChanged"
    MODEL_DELETED = "ModelDeleted"
    EXCEPTION_REQUESTED = "ExceptionRequested"
    EXCEPTION_APPROVED = "ExceptionApproved"
    EXCEPTION_REFUSED = "ExceptionRefused"
    EXCEPTION_EXPIRED = "ExceptionExpired"
    EXCEPTION_OPENED = "ExceptionOpened"
    EXCEPTION_CLOSED = "ExceptionClosed"
    EXCEPTION_DELETED = "ExceptionDeleted"

    # What was done about it
    WALL_APPLIED = "WallApplied"
    WALL_CHANGED = "WallChanged"
    WALL_RESTORED = "WallRestored"
    WALL_REMOVED = "WallRemoved"
    HOLE_APPLIED = "HoleApplied"
    HOLE_CHANGED = "HoleChanged"
    HOLE_REMOVED = "HoleRemoved"
    ADMISSION_APPLIED = "AdmissionApplied"
    ADMISSION_CHANGED = "AdmissionChanged"
    ADMISSION_REMOVED = "AdmissionRemoved"
    NAMES_APPLIED = "NamesApplied"
    NAMES_CHANGED = "NamesChanged"
    NAMES_REMOVED = "NamesRemoved"
    SEAL_APPLIED = "SealApplied"
    SEAL_CHANGED = "SealChanged"
    SEAL_RESTORED = "SealRestored"
    SEAL_REMOVED = "SealRemoved"
    WORKLOAD_APPLIED = "WorkloadApplied"
    WORKLOAD_CHANGED = "WorkloadChanged"
    WORKLOAD_REMOVED = "WorkloadRemoved"

    # What became of it
    BACKEND_SWITCHED = "BackendSwitched"
    CATALOGUE_CHANGED = "CatalogueChanged"
    NAMESPACES_GOVERNED = "NamespacesGoverned"
    NAMESPACES_RELEASED = "NamespacesReleased"
    CONDITION_CHANGED = "ConditionChanged"
    PROOF_FAILED = "ProofFailed"

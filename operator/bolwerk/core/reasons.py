"""Every reason that a user can meet in a condition or an Event, in one place.

docs/reasons.md explains each; a test fails when one is missing there or is produced by no test.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Reason"]


class Reason(StrEnum):
    """CamelCase words that tools may match on; their meaning does not change between versions."""

    # ModelAvailable
    CLAIM_BOUND = "ClaimBound"
    CLAIM_MISSING = "ClaimMissing"
    CLAIM_PENDING = "ClaimPending"
    CLAIM_LOST = "ClaimLost"
    IMAGE_MOUNTED = "ImageMounted"
    IMAGE_NOT_MOUNTED_YET = "ImageNotMountedYet"
    IMAGE_PULL_FAILED = "ImagePullFailed"

    # Scheduled
    PLACED = "Placed"
    UNSCHEDULABLE = "Unschedulable"
    PODS_REFUSED = "PodsRefused"
    WAITING_FOR_PODS = "WaitingForPods"
    SCALED_TO_ZERO = "ScaledToZero"

    # Serving
    ANSWERING = "Answering"
    PARTLY_ANSWERING = "PartlyAnswering"
    ENGINE_STARTING = "EngineStarting"
    ENGINE_CRASHING = "EngineCrashing"
    CONTAINER_NOT_STARTED = "ContainerNotStarted"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    WAITING_FOR_PLACEMENT = "WaitingForPlacement"
    WAITING_FOR_GATE = "WaitingForGate"

    # Isolated, and Proven of a SovereigntyPolicy
    PROVEN = "Proven"
    NOT_PROVEN = "NotProven"
    NOT_ENFORCED = "NotEnforced"
    BYPASS = "Bypass"
    OVER_BLOCKED = "OverBlocked"
    INCONCLUSIVE = "Inconclusive"
    PROOF_STALE = "ProofStale"

    # Isolated alone
    GATE_HOLDS = "GateHolds"
    OUT_OF_SERVICE = "OutOfService"
    OPENED_BY_POLICY = "OpenedByPolicy"
    NOT_SEALED = "NotSealed"
    SEAL_RESTORED = "SealRestored"

    # WallStands
    ENFORCED = "Enforced"
    AUDIT_ONLY = "AuditOnly"
    BACKEND_NOT_SERVED = "BackendNotServed"
    WALL_DAMAGED = "WallDamaged"
    WALL_RESTORED = "WallRestored"
    SWITCHING_BACKEND = "SwitchingBackend"

    # Undisputed
    NO_OVERLAP = "NoOverlap"
    OVERLAPPING_POLICY = "OverlappingPolicy"

    # NotReopened
    NOTHING_OPENS = "NothingOpens"
    REOPENED = "Reopened"

    # CatalogueCurrent
    CATALOGUE_CURRENT = "CatalogueCurrent"
    CATALOGUE_STALE = "CatalogueStale"
    OVERLAY_REFUSED = "OverlayRefused"

    # ReferencesClean
    NOTHING_FOUND = "NothingFound"
    ENDPOINT_FOUND = "EndpointFound"
    NOT_SCANNED_YET = "NotScannedYet"

    # Allowed, of an EgressException
    WITHIN_POLICY = "WithinPolicy"
    NOT_GOVERNED = "NotGoverned"
    GROUND_NOT_ALLOWED = "GroundNotAllowed"
    DESTINATION_NOT_ALLOWED = "DestinationNotAllowed"
    TOO_LONG = "TooLong"
    REQUESTER_UNKNOWN = "RequesterUnknown"

    # Approved
    APPROVED = "Approved"
    TOO_FEW_APPROVALS = "TooFewApprovals"

    # Opened
    OPENED = "Opened"
    OPENED_IN_PART = "OpenedInPart"
    OPENING = "Opening"
    CLOSING = "Closing"
    NOT_DUE = "NotDue"
    NOT_YET_VALID = "NotYetValid"
    CLOCKS_DIFFER = "ClocksDiffer"
    CANNOT_BE_OPENED = "CannotBeOpened"
    EXPIRED = "Expired"

    # Ready, Stalled, Reconciling
    READY = "Ready"
    INVALID_SPEC = "InvalidSpec"
    NO_ENGINE_IMAGE = "NoEngineImage"
    NO_GATE_IMAGE = "NoGateImage"
    NO_CANARY = "NoCanary"
    POD_TEMPLATE_REFUSED = "PodTemplateRefused"
    NAME_TAKEN = "NameTaken"
    REFUSED_BY_CLUSTER = "RefusedByCluster"

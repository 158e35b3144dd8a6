"""What the API server can answer instead of an object: one type per way in which a caller reacts.

Raised by the client; the controller turns the lasting ones into a sentence in the status.
"""

from __future__ import annotations

import json
from typing import Any

__all__ = [
    "ApiError",
    "ConflictError",
    "FenceClosedError",
    "GoneError",
    "NotFoundError",
    "UnreachableError",
    "api_error",
]

TRANSIENT_STATUSES = frozenset({429, 500, 502, 503, 504})
RETRY_AFTER_CAP_SECONDS = 30.0


class FenceClosedError(Exception):
    """A write was held back because this replica does not, or may no longer, lead."""


class ApiError(Exception):
    """The API server answered with an error, or not at all.

    Attributes
    ----------
    status
        The HTTP status, 0 when there was no answer.
    reason
        The API's machine-readable reason (`Forbidden`, `Invalid`, …).
    causes
        The reasons inside `details.causes` (`NamespaceTerminating`, …).
    retry_after
        Seconds that the server asked to wait.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        reason: str = "",
        causes: tuple[str, ...] = (),
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.reason = reason
        self.causes = causes
        self.retry_after = retry_after

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed a moment later."""
        return self.status in TRANSIENT_STATUSES


class NotFoundError(ApiError):
    """404: the object, its namespace or its kind is not there."""


class ConflictError(ApiError):
    """409: the object is another, newer or already existing one; look again."""


class GoneError(ApiError):
    """410: a continue token or resource version is too old; list from the beginning."""


class UnreachableError(ApiError):
    """No answer: refused, reset, timed out or cut off in the middle."""

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed a moment later: yes."""
        return True


_TYPES: dict[int, type[ApiError]] = {404: NotFoundError, 409: ConflictError, 410: GoneError}


def api_error(status: int, body: bytes, *, retry_after: str | None) -> ApiError:
    """Build the error for a response, from its Status object where there is one."""
    try:
        answer: Any = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        answer = {"message": body[:500].decode(errors="replace")}
    details = answer.get("details") or {}
    return _TYPES.get(status, ApiError)(
        str(answer.get("message") or f"HTTP {status}"),
        status=status,
        reason=str(answer.get("reason") or f"Http{status}"),
        causes=tuple(str(cause.get("reason", "")) for cause in details.get("causes") or ()),
        retry_after=_seconds(retry_after),
    )


def _seconds(header: str | None) -> float:
    try:
        return min(max(float(header or 0), 0.0), RETRY_AFTER_CAP_SECONDS)
    except ValueError:  # an HTTP date, which the API server never sends: the usual backoff applies
        return 0.0

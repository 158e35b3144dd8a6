"""The person at the other end of the request, in CEL: as a value to write down, and as what a field has to equal.

Used for whoever asks for an exception and for whoever approves one.
"""

from __future__ import annotations

from bolwerk.core.admission.cel import items

__all__ = ["IS_SERVICE_ACCOUNT", "NAME", "PERSON", "is_caller", "is_named"]

NAME = "request.userInfo.username"
IS_SERVICE_ACCOUNT = f"{NAME}.startsWith('system:serviceaccount:')"

_GROUPS = items("request.userInfo.?groups")
_MOST_GROUPS = 64
"""As many as the schema of a Person keeps."""

# Lists cannot be cut before Kubernetes 1.34; the first place of a group tells how many stand before it.
_KEPT = f"{_GROUPS}.filter(g, {_GROUPS}.indexOf(g) < {_MOST_GROUPS} && g.size() <= 256)"

PERSON = f'{{"username": dyn({NAME}), ?"uid": request.userInfo.?uid.optMap(u, dyn(u)), "groups": dyn({_KEPT})}}'
"""CEL for a Person."""


def is_named(field: str) -> str:
    """Return the CEL for whether a field with a Person is there, whoever it is."""
    return f"object.spec.?{field}.?username.orValue('') != ''"


def is_caller(field: str) -> str:
    """Return the CEL for whether a field with a Person says nothing that is not true of the caller.

    Less may be written than is known: by hand, a user name is enough.
    """
    person = f"object.spec.?{field}"
    return (
        f"{person}.?username.orValue('') == {NAME} && "
        f"(!{person}.?uid.hasValue() || {person}.?uid.orValue('') == request.userInfo.?uid.orValue('')) && "
        f"{items(f'{person}.?groups')}.all(g, g in {_GROUPS})"
    )

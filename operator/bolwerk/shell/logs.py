"""Log lines as logfmt on stderr: `ts=… level=… logger=… msg="…" key=value`, readable by people and machines."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from typing_extensions import override

__all__ = ["Logfmt", "configure"]

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# kopf puts its own bookkeeping into records.
_HIDDEN = frozenset({"k8s_skip", "k8s_ref", "settings"})


class Logfmt(logging.Formatter):
    """Formats a record and its extra fields."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
        }
        extra = {k: v for k, v in vars(record).items() if k not in _STANDARD and k not in _HIDDEN}
        line = " ".join(f"{key}={_quoted(str(value))}" for key, value in {**fields, **extra}.items())
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        return line


def configure(level: str) -> None:
    """Send all logs to stderr, kopf's chatter about single objects excepted."""
    handler = logging.StreamHandler()
    handler.setFormatter(Logfmt())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # It logs "Handler … succeeded" for every event at INFO.
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    logging.getLogger("kopf.activities").setLevel(logging.WARNING)
    logging.getLogger("kopf._core").setLevel(logging.WARNING)


def _quoted(value: str) -> str:
    if value and not any(character in value for character in ' "=\n\t'):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'

"""The Prometheus metrics, all declared in one place, and the trace that counts every API request.

Served by a thread of its own (kopf takes every asyncio task that appears after its start for one of its own).
That thread must not look into the event loop's structures: gauges are set by `run`'s heartbeat.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

import aiohttp
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

__all__ = ["Metrics"]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """What an operator of the operator can see."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.reconciles = Counter("bolwerk_reconciles", "Reconciliations by result.", ["result"], registry=registry)
        self.errors = Counter(
            "bolwerk_reconcile_errors", "Failed reconciliations by kind of failure.", ["type"], registry=registry
        )
        self.seconds = Histogram(
            "bolwerk_reconcile_seconds", "Seconds that a reconciliation took.", buckets=_SECONDS, registry=registry
        )
        self.depth = Gauge("bolwerk_queue_depth", "Reconciled objects that wait to be looked at.", registry=registry)
        self.oldest = Gauge(
            "bolwerk_queue_oldest_seconds", "Seconds that the first of them has been waiting.", registry=registry
        )
        self.requests = Counter(
            "bolwerk_api_requests",
            "Requests to the API server; code is 0 when there was no answer.",
            ["verb", "resource", "code"],
            registry=registry,
        )
        self.applied = Counter(
            "bolwerk_applied_objects", "Objects applied because they differed.", ["kind"], registry=registry
        )
        self.deleted = Counter(
            "bolwerk_deleted_objects", "Owned objects deleted because they are not desired.", ["kind"],
            registry=registry,
        )  # fmt: skip
        self.refused = Counter(
            "bolwerk_refusals", "Objects that were refused, by reason.", ["kind", "reason"], registry=registry
        )
        self.models = Gauge(
            "bolwerk_localmodels", "LocalModels by condition and its status.", ["condition", "status"],
            registry=registry,
        )  # fmt: skip
        self.policies = Gauge(
            "bolwerk_sovereigntypolicies", "SovereigntyPolicies by condition and its status.", ["condition", "status"],
            registry=registry,
        )  # fmt: skip
        self.exceptions = Gauge("bolwerk_egress_exceptions", "EgressExceptions by phase.", ["phase"], registry=registry)
        self.overdue = Gauge(
            "bolwerk_holes_overdue", "EgressExceptions that are over and whose holes are still there.",
            registry=registry,
        )  # fmt: skip
        self.objects = Gauge("bolwerk_cached_objects", "Objects in the cache by kind.", ["kind"], registry=registry)
        self.leader = Gauge("bolwerk_leader", "1 while this replica leads.", registry=registry)
        self.skew = Gauge(
            "bolwerk_clock_skew_seconds",
            "Seconds that the operator's clock is ahead of the API server's at least, negative if it is behind.",
            registry=registry,
        )
        self.ghosts = Counter(
            "bolwerk_sweep_ghosts", "Objects whose deletion no watch reported.", ["kind"], registry=registry
        )
        self.missed = Counter(
            "bolwerk_sweep_missed", "Objects whose change no watch reported.", ["kind"], registry=registry
        )
        self.event_age = Gauge(
            "bolwerk_last_event_age_seconds", "Seconds since the last watch event by kind.", ["kind"],
            registry=registry,
        )  # fmt: skip
        self.governed = Gauge(
            "bolwerk_governed_namespaces", "Namespaces that a SovereigntyPolicy governs.", ["policy"], registry=registry
        )
        self.nodes = Gauge(
            "bolwerk_measured_nodes", "Nodes that have to be measured, by what their newest proof says; None has none.",
            ["verdict"], registry=registry,
        )  # fmt: skip
        self.proof_age = Gauge(
            "bolwerk_proof_age_seconds", "Seconds since a node was last proven to enforce; none where it never was.",
            ["node"], registry=registry,
        )  # fmt: skip
        self._aged: set[str] = set()
        self.catalogue_age = Gauge(
            "bolwerk_catalogue_age_days", "Days since the shipped catalogue was reviewed.", registry=registry
        )
        # Without names: who may read the metrics need not know whose ConfigMap it is. The status says.
        self.leaks = Gauge(
            "bolwerk_leaks", "Keys of ConfigMaps and Secrets that lead outside, by what they do and what is decided.",
            ["policy", "leak", "decision"], registry=registry,
        )  # fmt: skip
        self.scanned_at = Gauge(
            "bolwerk_references_scanned_timestamp_seconds", "When the last whole scan of references ended.",
            registry=registry,
        )  # fmt: skip
        self.scan_seconds = Gauge(
            "bolwerk_references_scan_seconds", "Seconds that the last whole scan of references took.",
            registry=registry,
        )  # fmt: skip

        self.entries = Counter("bolwerk_audit_entries", "Entries of the audit trail.", ["action"], registry=registry)
        self.unanchored = Gauge(
            "bolwerk_audit_unanchored_entries", "Entries beyond the head that the cluster has.", registry=registry
        )
        self.untold = Counter(
            "bolwerk_audit_failures", "Lines or heads of the audit trail that were not written.", ["what"],
            registry=registry,
        )  # fmt: skip
        for what in ("line", "head"):  # an alert on an increase sees none from nothing to one
            self.untold.labels(what)

    def tell_of_nodes(self, verdicts: Mapping[str, int], ages: Mapping[str, float]) -> None:
        """Set the gauges of what has been measured; nodes that are gone are told of no more."""
        for verdict, number in verdicts.items():
            self.nodes.labels(verdict).set(number)
        for node, age in ages.items():
            self.proof_age.labels(node).set(age)
        for node in self._aged - ages.keys():
            self.proof_age.remove(node)
        self._aged = {*ages}

    def trace(self) -> aiohttp.TraceConfig:
        """Make the trace that counts the requests of a session, the client's and kopf's alike."""
        trace = aiohttp.TraceConfig()

        async def ended(
            _: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
        ) -> None:
            self._count(context, params, str(params.response.status))

        async def failed(
            _: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestExceptionParams
        ) -> None:
            self._count(context, params, "0")

        trace.on_request_end.append(ended)
        trace.on_request_exception.append(failed)
        return trace

    def _count(
        self,
        context: SimpleNamespace,
        params: aiohttp.TraceRequestEndParams | aiohttp.TraceRequestExceptionParams,
        code: str,
    ) -> None:
        ours = context.trace_request_ctx
        if ours:
            verb, resource = ours["verb"], ours["resource"]
        else:  # kopf's: lists and watches of whole kinds, and discovery
            verb = "watch" if "watch" in params.url.query else params.method.lower()
            resource = params.url.path.rsplit("/", 1)[-1]
        self.requests.labels(verb, resource, code).inc()

"""The snippet in a real CoreDNS: what the policy refuses is refused and counted by group, all else is answered."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bolwerk.core.catalogue import Decisions, parse
from bolwerk.core.catalogue.dns import dns_config_map, refusals
from bolwerk.data import catalogue_text
from core.catalogue.coredns import NOERROR, NXDOMAIN, CoreDns, running
from core.catalogue.files import catalogue, decided
from core.catalogue.test_dns import CHOICE, KNOWN, SETTINGS, subject
from needing import programs

NAMES = [
    "alpha.example",
    "api.alpha.example",
    "API.Alpha.example",
    "tenant.alpha.example",
    "x.tenant.alpha.example",
    "tenan.alpha.example",
    "tenantx.alpha.example",
    "status.alpha.example",
    "x.status.alpha.example",
    "x.alpha-chat.example",
    "xalpha.example",
    "alpha.cdn.example",
    "x.alpha.cdn.example",
    "models.eu-1.cloud.example",
    "other.eu-1.cloud.example",
    "mirror.eu-1.cloud.example",
    "disks.eu-1.cloud.example",
    "mirror.example",
    "router.mirror.example",
    "x.router.mirror.example",
    "www.example.org",
]


@pytest.fixture(scope="module")
def program(request: pytest.FixtureRequest) -> Path:
    return programs(request, "coredns")[0]


@pytest.fixture
def serve(program: Path, tmp_path: Path) -> Any:
    def start(rulings: Decisions, mode: str = "Enforce") -> Any:
        return running(program, tmp_path, dns_config_map(subject(mode), rulings, SETTINGS)["data"])

    return start


def _refused(rulings: Decisions, name: str) -> bool:
    found = rulings.find(name)
    return found is not None and found.decision == "Refuse"


def _hits_by_group(server: CoreDns, rulings: Decisions) -> Counter[str]:
    zones = refusals(rulings).zones
    hits: Counter[str] = Counter()
    for zone, count in server.counted("coredns_template_matches_total", "zone").items():
        hits[zones[zone.removesuffix(".")]] += count
    return hits


def test_coredns_does_what_the_policy_says_and_counts_it(serve: Any) -> None:
    rulings = decided(KNOWN, **CHOICE)
    with serve(rulings) as server:
        for name in NAMES:
            answer = server.ask(name)
            want = _refused(rulings, name)
            assert (answer.rcode, answer.records) == ((NXDOMAIN, 0) if want else (NOERROR, 1)), name
            assert answer.reason.endswith("refused by SovereigntyPolicy rijk; use a model of this cluster") == want, (
                name
            )
        want_hits = Counter(rulings.catalogue.find(name).group for name in NAMES if _refused(rulings, name))  # type: ignore[union-attr]
        assert _hits_by_group(server, rulings) == want_hits
        server.wait_until_counted({"bolwerk-mirror": 2})
        views = server.counted("coredns_dns_requests_total", "view")
        assert views["bolwerk-mirror"] == 2, "mirror.example and one by pattern; the router in it is refused"
        server.wait_for_line("bolwerk group=mirror decision=Alert 127.0.0.1 A mirror.eu-1.cloud.example. NOERROR")


def test_in_audit_everything_is_answered_logged_and_counted(serve: Any) -> None:
    rulings = decided(KNOWN, **CHOICE)
    told = [name for name in NAMES if (found := rulings.find(name)) and found.decision != "Allow"]
    with serve(rulings, "Audit") as server:
        for name in NAMES:
            assert server.ask(name).rcode == NOERROR, name
        want = Counter(f"bolwerk-{rulings.catalogue.find(name).group}" for name in told)  # type: ignore[union-attr]
        server.wait_until_counted(want)
        views = server.counted("coredns_dns_requests_total", "view")
        assert {view: count for view, count in views.items() if view} == dict(want)
        for name in told:
            found = rulings.find(name)
            assert found is not None
            line = f"bolwerk group={found.match.group} decision={found.decision} 127.0.0.1 A {name.lower()}. NOERROR"
            server.wait_for_line(line)
        assert server.counted("coredns_template_matches_total", "zone") == {}


def test_the_override_alone_is_enough_to_refuse_and_log(program: Path, tmp_path: Path) -> None:
    rulings = decided(KNOWN, **CHOICE)
    data = dns_config_map(subject(), rulings, SETTINGS)["data"]
    with running(program, tmp_path, {key: text for key, text in data.items() if key.endswith(".override")}) as server:
        assert server.ask("api.alpha.example").rcode == NXDOMAIN
        assert server.ask("x.mirror.example").rcode == NOERROR
        server.wait_for_line("bolwerk group=mirror decision=Alert 127.0.0.1 A x.mirror.example. NOERROR")


def test_every_example_of_the_shipped_catalogue_is_refused_and_counted_for_its_group(serve: Any) -> None:
    shipped = parse(catalogue_text())
    rulings = decided(shipped, refuse=[name for name, group in shipped.groups.items() if group.shared])
    examples = [(group.name, group.examples) for group in shipped.groups.values() if group.examples]
    assert {"Refuse"} == set(rulings.values())
    with serve(rulings) as server:
        asked: Counter[str] = Counter()
        for group, each in examples:
            for name in each.refused:
                assert server.ask(name).rcode == NXDOMAIN, f"{name} of {group}"
                asked[group] += 1
        for _, each in examples:
            for name in each.not_refused:
                if rulings.find(name) is None:
                    assert server.ask(name).rcode == NOERROR, name
        for name in (*shipped.shared_apexes, "kubernetes.default.svc.cluster.local", "www.example.org"):
            assert server.ask(name).rcode == NOERROR, name
        assert _hits_by_group(server, rulings) == asked


def test_200_groups_of_64_names_load_and_answer(serve: Any) -> None:
    groups = {
        f"group-{group}": {"suffixes": [f"api-{name}.provider-{group}.example" for name in range(64)]}
        for group in range(200)
    }
    with serve(decided(catalogue(**groups))) as server:
        assert server.ask("x.api-63.provider-199.example").rcode == NXDOMAIN
        assert server.ask("x.api-64.provider-199.example").rcode == NOERROR

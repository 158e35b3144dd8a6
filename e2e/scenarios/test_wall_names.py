"""Names: a real CoreDNS that imports what Bolwerk wrote refuses what the policy refuses, and counts it by group."""

import collections
import re

import pytest

from bolwerk.api.sovereigntypolicy import Catalogue as Choice
from bolwerk.core.catalogue import Decisions, decisions, parse
from bolwerk.core.catalogue.dns import refusals
from bolwerk.data import catalogue_text
from harness import dns, pods, process, wall
from harness.wall import Experiment

pytestmark = pytest.mark.node

ORDINARY = ("registry.example", "www.example.com", "www.rijksoverheid.nl", f"kubernetes.default.svc.{dns.DOMAIN}")
PATIENCE = 120.0  # seconds for the kubelet to bring a ConfigMap into a pod and for CoreDNS to read it
_HITS = re.compile(r"^coredns_template_matches_total\{.*?zone=\"(.+?)\.\".*\} (\S+)$", re.MULTILINE)
_TOLD = re.compile(r"bolwerk group=(\S+) decision=\S+ \S+ A (\S+)\. NOERROR$", re.MULTILINE)


@pytest.fixture(scope="module")
def decided() -> Decisions:
    """What the experiment's policy, which names no group, makes of the shipped catalogue."""
    return decisions(parse(catalogue_text()), Choice())


def _names(decided: Decisions) -> dict[str, str]:
    """Return names of every group, and the ordinary ones: name -> what the resolver should say."""
    asked = list(ORDINARY)
    for group in decided.catalogue.groups.values():
        asked += [*group.exact, *group.suffixes, *(f"api.{suffix}" for suffix in group.suffixes)]
        asked += [*group.examples.refused, *group.examples.not_refused] if group.examples else []
    wanted = {}
    for name in dict.fromkeys(asked):
        ruling = decided.find(name)
        wanted[name] = "no such name" if ruling and ruling.decision == "Refuse" else "through"
    return wanted


def _hits(experiment: Experiment, decided: Decisions) -> dict[str, int]:
    """Return how often CoreDNS has refused a name of each group."""
    url = f"http://{dns.ADDRESS}:{dns.METRICS_PORT}/metrics"
    told = experiment.cluster.curl(wall.UNGOVERNED.namespace, wall.UNGOVERNED.name, url) or ""
    groups = refusals(decided).zones
    hits: collections.Counter[str] = collections.Counter()
    for zone, count in _HITS.findall(told):
        hits[groups[zone]] += int(float(count))
    return dict(hits)


def _told(experiment: Experiment) -> dict[str, str]:
    """Return the names that CoreDNS has told of in its log, and as whose."""
    asked = ("logs", f"--namespace={dns.NAMESPACE}", f"--selector={dns.SELECTOR}", "--tail=-1")
    return {name: group for group, name in _TOLD.findall(experiment.cluster.control_plane.kubectl(*asked))}


def test_in_audit_every_name_is_answered_and_told_of(experiment: Experiment, decided: Decisions) -> None:
    experiment.apply("Cilium", "Audit")
    names = _names(decided)

    def refused() -> list[str]:
        answers = pods.resolve(experiment.cluster, wall.GOVERNED, list(names))
        return [f"{name}: {answer}" for name, answer in answers.items() if answer != "through"]

    # A wall before this one may have refused names, which CoreDNS learns with the next look at its files.
    process.wait_for(lambda: not refused(), what="every name to be answered", seconds=PATIENCE, every=1)
    process.wait_for(
        lambda: _told(experiment).keys() & names.keys(), what="CoreDNS to tell of a name", seconds=PATIENCE, every=1
    )
    assert not refused()
    told = _told(experiment)
    # CoreDNS's log plugin knows no patterns, which the snippet says in a line of its own.
    wanted = {
        name: ruling.match.group
        for name in names
        if (ruling := decided.find(name)) and ruling.decision != "Allow" and ruling.match.kind != "pattern"
    }
    print(f"\n    {len(names)} names are answered, {len(told)} of {len(set(told.values()))} groups told of", flush=True)
    assert {name: told.get(name) for name in wanted} == wanted
    assert not told.keys() & set(ORDINARY)


def test_names_of_every_refused_group_are_refused_and_counted(experiment: Experiment, decided: Decisions) -> None:
    experiment.apply("Cilium", "Enforce")
    wanted = _names(decided)
    known = next(name for name, answer in wanted.items() if answer != "through")
    process.wait_for(
        lambda: pods.resolve(experiment.cluster, wall.GOVERNED, [known])[known] == wanted[known],
        what=f"{known} to be refused",
        seconds=PATIENCE,
        every=1,
    )
    before = _hits(experiment, decided)
    answers = pods.resolve(experiment.cluster, wall.GOVERNED, list(wanted))
    assert answers == wanted
    after = _hits(experiment, decided)
    counted = {group: count - before.get(group, 0) for group, count in after.items() if count > before.get(group, 0)}
    asked = collections.Counter(
        ruling.match.group for name in wanted if (ruling := decided.find(name)) and ruling.decision == "Refuse"
    )
    print(f"\n    {sum(asked.values())} of {len(wanted)} names are refused; hits: {counted}", flush=True)
    assert set(asked) == {group.name for group in decided.groups("Refuse")}, "a group without a name to ask for"
    assert counted == dict(asked)

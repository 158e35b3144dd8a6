"""The samples are taken as they are by a real API server, in the order in which kubectl reads them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.asking import Api

pytestmark = pytest.mark.cluster

SAMPLES = Path(__file__).parents[2] / "manifests" / "samples"


def test_kubectl_apply_takes_the_whole_folder(api: Api) -> None:
    api.plane.kubectl("apply", f"--filename={SAMPLES}")

    listed = json.loads(api.plane.kubectl("get", "localmodels", "--all-namespaces", "--output=json"))["items"]
    engines = [(next(iter(each["spec"]["engine"])), next(iter(each["spec"]["model"]["source"]))) for each in listed]
    assert sorted(engines) == [
        ("triton", "persistentVolumeClaim"),
        ("vllm", "image"),
        ("vllm", "persistentVolumeClaim"),
        ("vllm", "persistentVolumeClaim"),
    ]
    assert {each["spec"].get("gpu", {}).get("resourceName", "nvidia.com/gpu") for each in listed} == {
        "nvidia.com/gpu",
        "nvidia.com/mig-3g.40gb",
    }


def test_every_policy_is_taken(api: Api) -> None:
    api.plane.kubectl("create", "namespace", "bolwerk-system")  # the overlay of the catalogue goes there

    api.plane.kubectl("apply", "--recursive", f"--filename={SAMPLES}")

    listed = json.loads(api.plane.kubectl("get", "sovereigntypolicies", "--output=json"))["items"]
    modes = {each["metadata"]["name"]: each["spec"]["mode"] for each in listed}
    assert modes == {"air-gapped": "Enforce", "baseline": "Enforce", "observe": "Audit"}


def test_every_claim_of_the_samples_has_a_volume_that_fits(api: Api) -> None:
    # A cluster without a provisioner would leave the claims pending for ever.
    api.plane.kubectl("apply", f"--filename={SAMPLES}")

    volumes = json.loads(api.plane.kubectl("get", "persistentvolumes", "--output=json"))["items"]
    claims = json.loads(api.plane.kubectl("get", "persistentvolumeclaims", "--all-namespaces", "--output=json"))[
        "items"
    ]
    reserved = {(each["spec"]["claimRef"]["namespace"], each["spec"]["claimRef"]["name"]): each for each in volumes}
    assert claims
    for claim in claims:
        volume = reserved[claim["metadata"]["namespace"], claim["metadata"]["name"]]
        assert claim["spec"]["volumeName"] == volume["metadata"]["name"]
        assert claim["spec"]["resources"]["requests"]["storage"] == volume["spec"]["capacity"]["storage"]
        assert claim["spec"]["accessModes"] == volume["spec"]["accessModes"]

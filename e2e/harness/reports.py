"""`bolwerk report` about the real cluster, with the flows that Cilium has exported so far."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness import process
from harness.cluster import Cluster
from harness.network import CONTROL_PLANE


def report(cluster: Cluster, *, since: dt.datetime) -> dict[str, Any]:
    """Return the report, made with the flows since then."""
    written = cluster.cilium.flows.read_bytes()
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("bolwerk"), "report", "--output=json", "--flows=-"),
            f"--since={since:%Y-%m-%dT%H:%M:%S%z}",
        ],
        input=written[: written.rfind(b"\n") + 1],  # the last line may still be in the writing
        env=process.local_environment({"KUBECONFIG": str(cluster.control_plane.kubeconfig)}, address=CONTROL_PLANE),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"bolwerk report ended with {done.returncode}: {done.stderr.decode()}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found

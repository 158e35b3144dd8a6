"""Bolwerk itself on a test control plane: installed from the chart, its process running on this machine.

Used by the demo and the tests that need the whole thing. The process takes the arguments, the settings and exactly
the rights that the chart gives its Deployment, so a missing permission fails here as it would in a cluster.
"""

import contextlib
import http.client
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness import process, tools
from harness.controlplane import ControlPlane

CHART = Path(__file__).resolve().parents[2] / "charts" / "bolwerk"
NAMESPACE = "bolwerk-system"
RELEASE = "bolwerk"
SELECTOR = "app.kubernetes.io/name=bolwerk,app.kubernetes.io/component=operator"
"""Of its pods, and of no others that the chart makes."""


def helm(control_plane: ControlPlane, *arguments: str) -> str:
    """Run helm as the cluster's admin and return what it prints.

    Raises
    ------
    RuntimeError
        It failed; the message is what it printed.
    """
    environment = control_plane.environment()
    for kind in ("CACHE", "CONFIG", "DATA"):  # whatever the user has set up for helm is not touched
        environment[f"HELM_{kind}_HOME"] = str(control_plane.directory / "helm")
    command: list[str | Path] = [tools.find("helm"), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"helm {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def install(control_plane: ControlPlane, *values: str) -> str:
    """Install the chart without pods of its own, and wait until its CRDs are served; `values` as for `--set`."""
    settings = [f"--set={value}" for value in ("replicas=0", *values)]
    told = helm(
        control_plane, "install", RELEASE, str(CHART), f"--namespace={NAMESPACE}", "--create-namespace", *settings
    )
    crds = [f"crd/{plural}.bolwerk.dev" for plural in ("localmodels", "sovereigntypolicies", "isolationproofs")]
    control_plane.kubectl("wait", *crds, "--for=condition=Established", "--timeout=60s")
    return told


class Operator(contextlib.AbstractContextManager["Operator"]):
    """The operator's process, for as long as the `with` block lasts.

    Parameters
    ----------
    control_plane
        Where the chart is installed.
    name
        Names the log and the identity; two operators at once need two.
    arguments
        More arguments of `bolwerk run`; they win over the chart's.
    environment
        More of the environment that it runs in.
    """

    def __init__(
        self,
        control_plane: ControlPlane,
        *,
        name: str = "operator",
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._control_plane = control_plane
        self._name = name
        self._arguments = arguments
        self._environment = environment or {}
        self._child: process.Child | None = None
        self.health_port = 0
        self.metrics_port = 0
        self.log = control_plane.directory / f"{name}.log"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def user(self) -> str:
        """Its user name, as the audit log spells it."""
        return f"system:serviceaccount:{NAMESPACE}:{RELEASE}"

    def start(self) -> None:
        """Start the process and wait until it is alive; it leads, or waits for its turn, soon after."""
        deployment = self._get("deployment", RELEASE)
        pod = deployment["spec"]["template"]["spec"]
        settings = self._control_plane.directory / "settings.yaml"
        settings.write_text(self._get("configmap", f"{RELEASE}-settings")["data"]["settings.yaml"], encoding="utf-8")
        self.health_port, self.metrics_port = process.free_port(), process.free_port()
        kubeconfig = self._control_plane.kubeconfig_for(NAMESPACE, pod["serviceAccountName"])
        environment = self._control_plane.environment(kubeconfig)
        environment |= {"POD_NAMESPACE": NAMESPACE, "POD_NAME": self._name, **self._environment}
        self._child = process.start(
            self._name,
            [
                Path(sys.executable).with_name("bolwerk"),
                *pod["containers"][0]["args"],
                f"--settings={settings}",
                f"--health-port={self.health_port}",
                f"--metrics-port={self.metrics_port}",
                *self._arguments,
            ],
            log=self.log,
            environment=environment,
            directory=self._control_plane.directory,
        )
        process.wait_for(self.is_ready, what="the operator to be ready", seconds=60, children=[self._child])

    @property
    def pid(self) -> int:
        """The id of the running process, for those who measure it."""
        if self._child is None:
            raise RuntimeError("the operator has not been started")
        return self._child.popen.pid

    def stop(self) -> None:
        """End the process as a rolling update would: it gives the Lease up, and the next one leads at once.

        Raises
        ------
        RuntimeError
            It did not end well.
        """
        if self._child is not None:
            self._child.popen.terminate()
            status = self._child.popen.wait(timeout=30)
            if status != 0:
                raise RuntimeError(f"the operator ended with {status} when it was asked to end; see {self.log}")

    def kill(self) -> None:
        """End the process at once, as a crash would."""
        if self._child is not None:
            self._child.end()

    def check(self) -> None:
        """Raise when the process has ended."""
        if self._child is not None:
            self._child.check()

    def is_ready(self) -> bool:
        """Tell whether the readiness probe of the chart would succeed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.health_port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _get(self, kind: str, name: str) -> dict[str, Any]:
        answer = self._control_plane.kubectl("get", kind, name, f"--namespace={NAMESPACE}", "-o", "json")
        found: dict[str, Any] = json.loads(answer)
        return found

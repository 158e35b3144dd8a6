"""A real Kubernetes control plane on this machine: etcd, API server and, when asked, controllers and scheduler.

Used by the tests, the demo, the benchmark and the real node. It needs no root, listens on one address that the
caller may choose, keeps everything in the caller's directory and leaves nothing running. Only admission plugins that
Kubernetes enables by default are on. The certificate is the API server's own self-signed one and everybody
authenticates by token, so nobody has to keep a certificate authority here.
"""

import contextlib
import http.client
import json
import os
import secrets
import ssl
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness import audit, components, process, tools
from harness.process import Child

ADMIN = "admin"
_USERS = {
    ADMIN: ("system:masters",),
    "system:kube-controller-manager": (),
    "system:kube-scheduler": (),
}
_LONGEST_DIRECTORY = 88  # characters; a socket's whole path may have 107, on some systems 103
_STARTUP = 120.0  # seconds; 4 on an idle machine


class ControlPlane(contextlib.AbstractContextManager["ControlPlane"]):
    """A control plane that lives as long as the `with` block.

    Parameters
    ----------
    directory
        Where data, logs and kubeconfigs go; its path must be short enough for a Unix socket in it.
    controllers, scheduler
        Whether kube-controller-manager and kube-scheduler run too.
    address
        The address that the API server listens on and tells to clients. Nodes in network namespaces of their own
        need one that they can reach; a node's pods do not accept a loopback address as the API server's.
    users
        More users that may come with a static token: name -> groups. See `kubeconfig`.
    feature_gates
        Feature gates for every component.
    apiserver_flags, controller_flags, scheduler_flags
        Further flags; the last one of a name wins.
    """

    def __init__(
        self,
        directory: Path,
        *,
        controllers: bool = False,
        scheduler: bool = False,
        address: str = components.LOOPBACK,
        service_cidr: str = "10.96.0.0/16",
        users: Mapping[str, Sequence[str]] | None = None,
        feature_gates: Mapping[str, bool] | None = None,
        apiserver_flags: Sequence[str] = (),
        controller_flags: Sequence[str] = (),
        scheduler_flags: Sequence[str] = (),
    ) -> None:
        self.directory = directory.resolve()
        self.address = address
        self.port = 0
        self.audit = audit.AuditLog(self.directory / components.AUDIT_LOG)
        self.certificate = self.directory / components.CERTIFICATES / "apiserver.crt"
        self._tokens = {name: secrets.token_hex(16) for name in {**_USERS, **(users or {})}}
        self._groups = {**_USERS, **(users or {})}
        self._controllers = controllers
        self._scheduler = scheduler
        self._service_cidr = service_cidr
        gates = ",".join(f"{name}={str(on).lower()}" for name, on in (feature_gates or {}).items())
        self._gates = [f"--feature-gates={gates}"] if gates else []
        self._apiserver_flags = list(apiserver_flags)
        self._controller_flags = list(controller_flags)
        self._scheduler_flags = list(scheduler_flags)
        self._children: dict[str, Child] = {}

    def __enter__(self) -> Self:
        try:
            self._prepare()
            self._start("etcd", components.etcd(self.directory))
            self.start_apiserver()
            if self._controllers:
                kubeconfig = self.kubeconfig_of("system:kube-controller-manager")
                flags = components.controller_manager(kubeconfig, certificate=self.certificate)
                self._start("kube-controller-manager", [*flags, *self._gates, *self._controller_flags])
            if self._scheduler:
                flags = components.scheduler(self.kubeconfig_of("system:kube-scheduler"))
                self._start("kube-scheduler", [*flags, *self._gates, *self._scheduler_flags])
            if self._controllers:
                self._wait_for("the default ServiceAccount", "/api/v1/namespaces/default/serviceaccounts/default")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def url(self) -> str:
        """The API server's address, as in `https://127.0.0.1:43210`."""
        return f"https://{self.address}:{self.port}"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of a user who may do everything."""
        return self.kubeconfig_of(ADMIN)

    @property
    def pids(self) -> dict[str, int]:
        """The ids of the running parts by name, for those who measure them."""
        return {name: child.popen.pid for name, child in self._children.items()}

    def kubeconfig_of(self, user: str) -> Path:
        """Return the kubeconfig of one of the users with a static token."""
        return self._write_kubeconfig(user, token=self._tokens[user])

    def kubeconfig_for(self, namespace: str, service_account: str) -> Path:
        """Return a kubeconfig with the rights of a ServiceAccount, by a token as a pod would get it."""
        token = self.kubectl("create", "token", service_account, "--namespace", namespace, "--duration", "24h")
        return self._write_kubeconfig(f"{namespace}.{service_account}", token=token.strip())

    def environment(self, kubeconfig: Path | None = None) -> dict[str, str]:
        """Return the environment for a client of this control plane, the admin's if no kubeconfig is named."""
        extra = {
            "KUBECONFIG": str(kubeconfig or self.kubeconfig),
            # Discovery is cached by host and port, and another control plane may have had this port before.
            "KUBECACHEDIR": str(self.directory / "kubectl-cache"),
        }
        return process.local_environment(extra, address=self.address)

    def kubectl(self, *arguments: str, stdin: str | None = None, kubeconfig: Path | None = None) -> str:
        """Run kubectl and return what it prints.

        Raises
        ------
        RuntimeError
            It failed; the message is what it printed.
        """
        done = subprocess.run(
            [tools.find("kubectl"), *arguments],
            input=stdin,
            env=self.environment(kubeconfig),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def start_apiserver(self) -> None:
        """Start the API server, or start it again on the same port and data, and wait until it answers."""
        flags = components.apiserver(
            self.directory, address=self.address, port=self.port, service_cidr=self._service_cidr
        )
        self._start("kube-apiserver", [*flags, *self._gates, *self._apiserver_flags])
        self._wait_for("the API server", "/readyz")
        self._wait_for("the namespace default", "/api/v1/namespaces/default")

    def stop_apiserver(self) -> None:
        """End the API server at once, as a crash would, and wait until its port is free."""
        self._children.pop("kube-apiserver").end()
        process.wait_for(
            lambda: process.is_port_free(self.port, self.address),
            what=f"port {self.port} to become free",
            seconds=30,
        )

    def check(self) -> None:
        """Raise when a part that should be running has ended."""
        for child in self._children.values():
            child.check()

    def _prepare(self) -> None:
        if len(str(self.directory)) > _LONGEST_DIRECTORY:
            raise ValueError(f"{self.directory} is too long to hold a Unix socket: choose a directory nearer to /")
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = process.free_port(self.address)
        lines = [f'{self._tokens[name]},{name},{name},"{",".join(groups)}"\n' for name, groups in self._groups.items()]
        self._write_private(self.directory / components.TOKENS, "".join(lines))
        (self.directory / components.AUDIT_POLICY).write_text(json.dumps(audit.POLICY), encoding="utf-8")

    def _start(self, name: str, flags: Sequence[str]) -> None:
        log = self.directory / f"{name}.log"
        self._children[name] = process.start(name, [tools.find(name), *flags], log=log, directory=self.directory)

    def _end(self) -> None:
        for child in reversed(self._children.values()):
            child.end()
        self._children.clear()

    def _wait_for(self, what: str, path: str) -> None:
        process.wait_for(
            lambda: self._status(path) == http.client.OK,
            what=what,
            seconds=_STARTUP,
            children=self._children.values(),
        )

    def _status(self, path: str) -> int | None:
        """Return the HTTP status of a GET as admin, or None when nobody answers."""
        try:
            context = ssl.create_default_context(cafile=str(self.certificate))
        except (FileNotFoundError, ssl.SSLError):
            return None  # the API server has not written its certificate yet
        connection = http.client.HTTPSConnection(self.address, self.port, context=context, timeout=10)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self._tokens[ADMIN]}"})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def _write_kubeconfig(self, name: str, *, token: str) -> Path:
        content: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "local", "cluster": {"server": self.url, "certificate-authority": str(self.certificate)}}
            ],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": "local", "context": {"cluster": "local", "user": name}}],
            "current-context": "local",
        }
        path = self.directory / f"{name.replace(':', '.')}.kubeconfig"
        self._write_private(path, json.dumps(content, indent=2))
        return path

    @staticmethod
    def _write_private(path: Path, text: str) -> None:
        # Put in place as a whole: another thread's kubectl may be reading what was there.
        descriptor, written = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(written).replace(path)

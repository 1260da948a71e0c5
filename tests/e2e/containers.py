"""What compose.yaml describes, run without an engine, by the kernel's own means.

Each container is a process with mounts of its own: its volumes, a root that it can't write, the
user that it is to be. Each network is a namespace of the kernel, and all are joined by a bridge.
What comes from images is not tested: the programs are those of this environment.
"""

import os
import shlex
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
NETWORK = "10.77.0"
VOLUMES = "/run/volumes"
_STRANGE = (Path("/tmp"), Path("/run"), Path("/var/lib"), Path("/etc/prometheus"))
"""Folders in whose place every container has empty ones."""


def may_make_namespaces() -> bool:
    command = ["unshare", "--mount", "--net", "mount", "--make-rprivate", "/"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


class Containers:
    """A machine of their own, until it is closed."""

    def __init__(self, compose: dict[str, Any]) -> None:
        self._services = compose["services"]
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._machine = subprocess.Popen(
            ["unshare", "--mount", "--net", "sh", "-c", "echo; exec sleep infinity"],
            stdout=subprocess.PIPE,
        )
        assert self._machine.stdout is not None
        self._machine.stdout.readline()  # the namespaces are there
        self._on_machine(["sh", "-e", "-c", "\n".join(self._set_up(compose["volumes"]))])

    def start(self, name: str) -> None:
        service = self._services[name]
        command = [*(service.get("entrypoint") or ()), *(service.get("command") or ())]
        self._running[name] = self._open(name, [*self._program(name, service), *command])

    def until_healthy(self, name: str, limit: float = 30) -> None:
        end = time.monotonic() + limit
        test = self._services[name]["healthcheck"]["test"][1:]
        while self._open(name, test).wait() != 0:
            assert self._running[name].poll() is None, f"{name} has ended"
            assert time.monotonic() < end, f"{name} is not healthy"
            time.sleep(0.2)

    def execute(self, name: str, command: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
        """As ``docker-compose exec``."""
        process = self._open(name, command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, errors = process.communicate(timeout=30)
        return subprocess.CompletedProcess(command, process.returncode, output, errors)

    def socket(self, volume: str, name: str) -> Path:
        """A socket in a volume, for a process outside."""
        return Path(f"/proc/{self._machine.pid}/root{VOLUMES}/{volume}/{name}")

    def stop(self) -> dict[str, int]:
        """Stops all, the last first; returns how each ended."""
        ended = {}
        for name, process in reversed(self._running.items()):
            process.terminate()
            ended[name] = process.wait(timeout=40)
        self._running.clear()
        return ended

    def close(self) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()
        self._machine.kill()
        self._machine.wait()

    def _open(self, name: str, command: Sequence[str], **pipes: int) -> subprocess.Popen[bytes]:
        service = self._services[name]
        owner = service.get("network_mode", "").partition("service:")[2] or name
        network = owner if self._services[owner].get("networks") else "none"
        uid, _, gid = service["user"].partition(":")
        variables = {"HOME": "/tmp", "PATH": f"{PROGRAMS}:/usr/bin:/bin"}
        variables |= service.get("environment") or {}
        program = shlex.join(
            [
                *("setpriv", "--reuid", uid, "--regid", gid, "--clear-groups", "--no-new-privs"),
                *("--bounding-set=-all", "--inh-caps=-all", "env", "-i"),
                *(f"{key}={value}" for key, value in variables.items()),
                *command,
            ]
        )
        script = "\n".join([*self._mounts(service), "cd /tmp", f"exec {program}"])
        entered = ["ip", "netns", "exec", network, "unshare", "--mount", "sh", "-e", "-c", script]
        return subprocess.Popen([*self._enter(), *entered], **pipes)

    def _program(self, name: str, service: dict[str, Any]) -> list[str]:
        """What the image itself starts, if compose.yaml does not say."""
        if "build" in service:
            return [] if service.get("command") else [f"linly-{name}"]
        return [] if service.get("entrypoint") else [name]

    def _mounts(self, service: dict[str, Any]) -> Iterator[str]:
        yield "mount --bind /run/hosts /etc/hosts"
        for volume in service.get("volumes", ()):
            if isinstance(volume, dict):
                source, target, mode = volume["source"], volume["target"], "rw"
            else:
                source, target, mode = volume.split(":")
            if source.startswith("/"):
                make = f"mkdir -p {target}" if Path(source).is_dir() else _empty_file(target)
            else:
                make, source = f"mkdir -p {target}", f"{VOLUMES}/{source}"
            yield f"{make}; mount --bind {source} {target}"
            if mode == "ro":
                yield f"mount -o remount,bind,ro {target}"
        yield "mount -t tmpfs -o mode=1777 tmpfs /tmp"
        yield from _keep(Path("/tmp"))
        yield "mount -o remount,bind,ro /"

    def _set_up(self, volumes: dict[str, Any]) -> Iterator[str]:
        yield "mkdir -p /mnt; mount -t tmpfs tmpfs /mnt"
        for index, path in enumerate(_needed()):
            yield f"mkdir /mnt/{index}; mount --bind {path} /mnt/{index}"
        strange = [folder for folder in _STRANGE if folder.is_dir()]
        for folder in {*strange, *filter(None, map(_closed, _needed()))}:
            yield f"mount -t tmpfs -o mode=755 tmpfs {folder}"
            yield from _keep(folder)
        yield "mkdir -p /run/netns"
        for name, volume in volumes.items():
            place = f"{VOLUMES}/{name}"
            options = (volume or {}).get("driver_opts")
            yield f"mkdir -p {place}; chown 10001:10001 {place}; chmod 700 {place}"
            if options:
                yield f"mount -t {options['type']} -o {options['o']} {options['device']} {place}"
        yield "ip netns add none; ip link add br0 type bridge; ip link set br0 up"
        yield "echo 127.0.0.1 localhost >/run/hosts"
        joined = [name for name, service in self._services.items() if service.get("networks")]
        for index, name in enumerate(joined, 10):
            yield f"ip netns add {name}"
            yield f"ip link add v{index} type veth peer name eth0 netns {name}"
            yield f"ip link set v{index} master br0 up"
            yield f"ip -n {name} addr add {NETWORK}.{index}/24 dev eth0"
            yield f"ip -n {name} link set eth0 up; ip -n {name} link set lo up"
            network = self._services[name]["networks"]["mesh"]
            names = [name, *network.get("aliases", ())]
            yield f"echo {NETWORK}.{index} {' '.join(names)} >>/run/hosts"

    def _enter(self) -> list[str]:
        return ["nsenter", "--target", str(self._machine.pid), "--mount", "--net"]

    def _on_machine(self, command: Sequence[str]) -> None:
        done = subprocess.run([*self._enter(), *command], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()


def _needed() -> list[Path]:
    """What programs of this environment are made of."""
    found = [ROOT, *map(Path, (sys.prefix, sys.base_prefix))]
    return sorted({path.resolve() for path in found})


def _closed(path: Path) -> Path | None:
    """The outermost folder above ``path`` that another user may not enter."""
    for folder in reversed(path.parents):
        if not os.stat(folder).st_mode & stat.S_IXOTH:
            return folder
    return None


def _empty_file(path: str) -> str:
    return f"mkdir -p {Path(path).parent}; touch {path}"


def _keep(folder: Path) -> Iterator[str]:
    """Puts back what is needed under a folder that was replaced."""
    for index, path in enumerate(_needed()):
        if path.is_relative_to(folder):
            yield f"mkdir -p {path}; mount --bind /mnt/{index} {path}"

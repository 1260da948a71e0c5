"""``talker mesh``: identities and policy of the mesh."""

import re
import shlex
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from linly_client.cli.console import CommandError, console
from linly_client.cli.policy import explain_command, render
from linly_mesh.identity.authority import Authority
from linly_mesh.identity.issued import IssuedSvid
from linly_mesh.identity.settings import IdentitySettings
from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.identity.svid import SvidFiles
from linly_mesh.proxy.policy.explanation import explain
from linly_mesh.proxy.policy.mesh import Mesh
from linly_mesh.proxy.policy.shipped import read_source
from linly_mesh.proxy.settings import ProxySettings
from linly_mesh.settings import read_settings

app = typer.Typer(help="Who may talk to whom, and how they prove it.", no_args_is_help=True)
app.command("render")(render)
app.command("explain")(explain_command)

_FRONT_DOOR = "orchestrator"
_REFLECTION = "grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
_TALK = "linly.talk.v1.TalkService/Converse"
_SPAN = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@app.command("cert")
def cert(
    name: Annotated[str, typer.Argument(help="Whose it is: a name that the policy knows.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for key, certificate and roots; private to you.")
    ] = None,
    ttl: Annotated[
        str | None, typer.Option(help="How long it is valid: 30m, 24h, 7d. By default 24h.")
    ] = None,
) -> None:
    """Mint a certificate, for grpcurl or a back end of your own."""
    settings = read_settings(IdentitySettings)
    if settings.svid_folder is not None:
        raise CommandError(
            f"identities come from {settings.svid_folder} (MESH_SVID_FOLDER); ask there for one"
        )
    mesh = read_source(read_settings(ProxySettings).source)
    source = IssuedSvid(
        Authority(settings.authority_folder),
        SpiffeId(name),
        (out or settings.identity_folder / "minted" / name).absolute(),
        settings.ttl if ttl is None else _span(ttl),
    )
    svid = source.renew()
    _print(f"{svid.id}, valid until {svid.not_after:%Y-%m-%d %H:%M} UTC")
    if name not in mesh.workloads:
        _print(f"No ServiceAccount is called {name}: as the policy is, it may call nothing.")
    _print(_grpcurl(source.files(), mesh, svid.id))


def _grpcurl(files: SvidFiles, mesh: Mesh, caller: SpiffeId) -> str:
    """A call that the policy lets the caller make, if there is one."""
    server = mesh.upstreams[_FRONT_DOOR]
    arguments = ("-cacert", files.bundle, "-cert", files.certificate, "-key", files.key)
    # The name is what the server's certificate is checked against; no address is in it.
    name, address = ("-authority", server.name), f"{server.workload.address}:{server.port}"
    may_list = any(
        each.workload == _FRONT_DOOR and each.decision.allowed
        for each in explain(mesh, caller, _REFLECTION)
    )
    # Without reflection the messages come from a file: docs/debugging.md says how to make it.
    schema = () if may_list else ("-protoset", "talk.binpb", "-d", "@")
    method = "list" if may_list else _TALK
    return shlex.join(map(str, ("grpcurl", *arguments, *name, *schema, address, method)))


def _print(line: str) -> None:
    """As it is, to be copied."""
    console.print(line, markup=False, soft_wrap=True)


def _span(text: str) -> timedelta:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise CommandError(f"--ttl {text}: write it as 30m, 24h or 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})

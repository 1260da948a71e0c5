"""``talker mesh render`` and ``explain``: what the policy becomes, and what it means."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from linly_client.cli.console import console
from linly_mesh.identity.settings import IdentitySettings
from linly_mesh.identity.source import svid_source
from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.proxy.containers import ContainerSettings
from linly_mesh.proxy.endpoints import runtime_folder
from linly_mesh.proxy.envoy.bootstrap import Configuration, configure, to_yaml
from linly_mesh.proxy.envoy.files import Files
from linly_mesh.proxy.policy.explanation import Explanation, explain
from linly_mesh.proxy.policy.mesh import Network
from linly_mesh.proxy.policy.shipped import read_source
from linly_mesh.settings import read_settings

Source = Annotated[
    Path | None,
    typer.Option(
        envvar="MESH_SOURCE",
        help="A folder with policy/ and kubernetes/, instead of those that come along.",
    ),
]


def render(
    workload: Annotated[
        str | None, typer.Argument(help="One workload; by default all of them.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the files, a folder per workload; on a machine its sockets are there too."
        ),
    ] = None,
    source: Source = None,
    network: Annotated[
        Network, typer.Option(help="All on this machine, or each in a container of its own.")
    ] = Network.MACHINE,
) -> None:
    """Print the Envoy configuration that the policy becomes."""
    mesh = read_source(source, network)
    for name in [workload] if workload else mesh.workloads:
        files = _files(name, network, out)
        configuration = configure(mesh, name, files)
        if out:
            configuration.write(files)
            _print(str(files.bootstrap))
        else:
            _print_all(files, configuration)


def explain_command(
    caller: Annotated[str, typer.Argument(help="A service account, or a whole spiffe:// URI.")],
    method: Annotated[
        str, typer.Argument(help="package.Service/Method of gRPC, or a path as in /metrics.")
    ],
    source: Source = None,
) -> None:
    """Say which workloads let CALLER call METHOD, and by which rule."""
    mesh = read_source(source)
    identity = SpiffeId.parse(caller) if caller.startswith("spiffe:") else SpiffeId(caller)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("workload", "", "why", "where"):
        table.add_column(column, overflow="fold")
    for explanation in explain(mesh, identity, method):
        table.add_row(*_row(explanation))
    console.print(table)
    if identity not in [workload.identity for workload in mesh.workloads.values()]:
        _print(f"No ServiceAccount is called {identity.service_account}.")


def _files(name: str, network: Network, out: Path | None) -> Files:
    svid = svid_source(name, read_settings(IdentitySettings)).files()
    if network is Network.MACHINE:
        return Files((out.absolute() if out else runtime_folder()) / name, svid)
    files = read_settings(ContainerSettings).files(name, svid)
    return replace(files, proxy=out.absolute() / name) if out else files


def _row(explanation: Explanation) -> tuple[str, ...]:
    decision = explanation.decision
    verdict = "[green]allowed[/]" if decision.allowed else "[red]refused[/]"
    place = decision.place
    where = f"{os.path.relpath(place.file)}:{place.line}" if place else ""
    return explanation.workload, verdict, escape(decision.reason), escape(where)


def _print_all(files: Files, configuration: Configuration) -> None:
    """As one stream of YAML documents, of which Envoy reads the first."""
    _print(f"# {files.bootstrap}\n{to_yaml(configuration.bootstrap)}---")
    for path, content in configuration.secrets.items():
        _print(f"# {path}\n{to_yaml(content)}---")


def _print(text: str) -> None:
    """As it is, to be copied or piped."""
    console.print(text, markup=False, soft_wrap=True)

"""``python -m benchmarks [part …]``: all parts, or those named."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import uvloop

from benchmarks.environment import describe, load
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Figure, table, write
from benchmarks.progress import say
from linly_client.errors import TalkError
from linly_mesh.proxy.launcher import LaunchError

_PARTS = ("stub_talk", "engines", "real_talk", "cancel", "slow_client")
"""Each a module of this package, measured by default."""
_APART = ("mesh",)
"""Likewise, measured only when asked for."""
_RESULTS = Path("build/bench")


async def _measure(parts: Sequence[str], brief: bool) -> tuple[list[Figure], bool]:
    figures: list[Figure] = []
    complete = True
    for part in parts:
        try:
            found = await import_module(f"benchmarks.{part}").measure(brief=brief)
        except (BenchmarkError, LaunchError, TalkError) as error:
            say(f"{part} failed: {error}")
            for line in getattr(error, "log", ()):
                say(f"  {line}")
            complete = False
        else:
            figures += found
            print(f"\n{table(found)}\n", flush=True)
    return figures, complete


def main() -> int:
    """Returns the exit status: not 0 if a part could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join((*_PARTS, *_APART)))
    parser.add_argument(
        "--brief", action="store_true", help="few samples, to see that everything works"
    )
    arguments = parser.parse_args()
    parts = arguments.parts or _PARTS
    known = (*_PARTS, *_APART)
    if unknown := set(parts) - set(known):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    environment = describe()
    figures, complete = uvloop.run(_measure(parts, arguments.brief))
    environment["load_after"] = load()
    name = "-".join(arguments.parts) or "bench"
    path = _RESULTS / f"{name}{'-brief' if arguments.brief else ''}.json"
    write(path, figures, environment)
    missed = [found.name for found in figures if found.met is False]
    aims = sum(found.aim is not None for found in figures)
    print(f"{aims - len(missed)} of {aims} aims met; {path}")
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())

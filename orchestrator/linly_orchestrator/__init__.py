"""Chains the services of the mesh into streaming talk calls."""

from importlib.metadata import version

__version__ = version("linly-orchestrator")

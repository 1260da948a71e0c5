"""Measures the mesh against its aims: ``python -m benchmarks [part …]``.

What is compared is measured in turns, in several rounds; a figure is the median of its rounds
and comes with their range. A missed aim is a result, not an error.
"""

import os

# Processes are started while gRPC runs here; they are other programs at once, so there is
# nothing to prepare for a fork, and nothing to say about each.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

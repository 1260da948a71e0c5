"""Servers and channels: life cycle, errors, deadlines, health and reflection."""

import os

# Read when gRPC begins. Workers are other programs, which need nothing of gRPC; but its handlers
# would run in a child between fork and exec, beside the threads that they found and can't stop.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

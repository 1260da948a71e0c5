"""Engines for drills: they compute nothing, and go wrong when they are told to."""

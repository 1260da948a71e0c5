"""The live view of the mesh: pages of metrics, what they say together, how it looks."""

"""What is the same for every process of the mesh, and nothing about any model."""

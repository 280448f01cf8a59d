"""How the mesh is put to work: image, compose file, Kubernetes, monitoring, and the files generated from the code."""

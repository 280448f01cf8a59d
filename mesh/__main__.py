"""`python -m mesh`: the same as `mesh`, also where it is not installed."""

from mesh.cli import main

main()

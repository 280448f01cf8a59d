"""`python -m settings` prints `.env.example`."""

import sys

from settings.example import example

sys.stdout.write(example())

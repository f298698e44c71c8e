"""Models: finding, checking and loading them; ``random_weights`` makes a small one for tests, ``sketch`` trains one."""

import os

# Both libraries log advice about this environment's packages while they are imported, before a level can be set.
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")

"""How the threads of torch wait for each other. Import this before torch, which reads it once."""

import os

# They wait hundreds of times in a step. Where they share their cores with the JVM and the Python
# workers of an executor, waiting awake made a step 7 times slower than waiting asleep.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

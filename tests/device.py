"""Where tests of the engine and its kernels compute: `SPARKLLM_TEST_DEVICE=cuda` for a GPU."""

import os

DEVICE = os.environ.get("SPARKLLM_TEST_DEVICE", "cpu")

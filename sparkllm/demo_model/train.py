"""Train the model: `python -m sparkllm.demo_model.train --data DIR --out DIR`.

Steps, each kept in the output folder and not done again when it is there:
`features.npz` (what the encoder says of the texts), `tokenizer/`, `corpus.npz` (rendered and
encoded examples, all that training reads), `first/` (the weights it starts from),
`checkpoint.pt`, `model/`.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import torch
from transformers import (
    AutoTokenizer,
    GenerationConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from sparkllm.demo_model.architecture import CONTEXT_LENGTH, Shape, configuration
from sparkllm.demo_model.corpus import training_examples
from sparkllm.demo_model.corpus.packed import PackedCorpus, pack
from sparkllm.demo_model.prompting import PromptEncoder
from sparkllm.demo_model.tokenizer import train_tokenizer
from sparkllm.demo_model.training import Limit, Recipe, Trainer
from sparkllm.demo_model.training.plot import plot_losses
from sparkllm.demo_model.transplant import load_donor, transplant

_OTHERS = 0.25
"""Share of other examples with `--judgements`."""
_SAMPLE = 500
"""Examples that the feed-forward parts of the donor are measured on."""


def main() -> None:
    """Run the command line."""
    arguments = _arguments()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(arguments.threads)
    tokenizer, corpus = prepare(arguments)
    if arguments.judgements:
        corpus = corpus.judgements(_OTHERS, arguments.seed)
    print(f"{len(corpus.lengths)} examples, {len(corpus.tokens)} tokens")
    model = first_model(arguments, tokenizer, corpus).to(arguments.device)
    if arguments.prepare:
        return
    if arguments.device == "cpu":
        # The fused attention's backward pass in bfloat16 is five times slower there.
        model.set_attn_implementation("eager")
    print(f"{sum(parameter.numel() for parameter in model.parameters())} parameters")
    limit = Limit(arguments.steps, arguments.minutes)
    recipe = Recipe(
        arguments.seed,
        learning_rate=arguments.learning_rate,
        dropout=arguments.dropout,
        # A model that goes on knows what labels are for.
        free_later=0.0 if arguments.start_from else Recipe().free_later,
    )
    trainer = Trainer(
        model, corpus, recipe, limit, pad=tokenizer.pad_token_id, checkpoint=out / "checkpoint.pt"
    )
    progress = trainer.run()
    export(model, tokenizer, out / "model")
    with (out / "losses.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [("step", "tokens", "answer", "text", "features"), *progress.history]
        )
    plot_losses(progress.history, out / "losses.png")
    print(f"{progress.step} steps, {progress.tokens} tokens, {progress.seconds:.0f} s")


def prepare(arguments: argparse.Namespace) -> tuple[PreTrainedTokenizerBase, PackedCorpus]:
    """Return the tokenizer and the encoded examples, made where the output folder lacks them."""
    out, start = arguments.out, arguments.start_from
    folder, file = out / "tokenizer", out / "corpus.npz"
    if not (folder.exists() and file.exists()):
        examples = training_examples(
            arguments.data,
            arguments.seed,
            arguments.share,
            arguments.encoder,
            out / "features.npz",
        )
        if start is None:
            texts = ("".join((*example.pieces, example.answer)) for example in examples)
            train_tokenizer(texts, Shape().vocabulary).save_pretrained(folder)
        else:
            AutoTokenizer.from_pretrained(start).save_pretrained(folder)
        encoder = PromptEncoder(AutoTokenizer.from_pretrained(folder))
        pack((encoder.example(example) for example in examples), CONTEXT_LENGTH).save(file)
    return AutoTokenizer.from_pretrained(folder), PackedCorpus.load(file)


def first_model(
    arguments: argparse.Namespace, tokenizer: PreTrainedTokenizerBase, corpus: PackedCorpus
) -> PreTrainedModel:
    """Return the weights to start from: those of `first/`, of `--start-from`, or new ones.

    New ones are random from the seed, or taken from `--donor`.
    """
    kept = arguments.out / "first"
    for folder in (kept, arguments.start_from):
        if folder is not None and folder.exists():
            started: PreTrainedModel = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
            return started
    torch.manual_seed(arguments.seed)
    end = tokenizer.eos_token_id
    model: PreTrainedModel = LlamaForCausalLM(configuration(Shape(), tokenizer.pad_token_id, end))
    if arguments.donor is not None:
        count = len(corpus.lengths)
        drawn = np.random.default_rng(arguments.seed).choice(count, min(_SAMPLE, count), False)
        texts = [
            tokenizer.decode(corpus.example(number), skip_special_tokens=True) for number in drawn
        ]
        transplant(*load_donor(arguments.donor), model, tokenizer, texts)
        model.save_pretrained(kept)
    return model


def export(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write weights in bfloat16, configuration, generation configuration and tokenizer."""
    model = model.to("cpu", torch.bfloat16).eval()
    model.generation_config = GenerationConfig(
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        do_sample=False,
        max_new_tokens=32,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for file in folder.iterdir():
        file.chmod(0o644)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder with labelled/, tables/")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    limit = parser.add_mutually_exclusive_group(required=True)
    limit.add_argument("--minutes", type=float, default=0.0, help="minutes of training")
    limit.add_argument("--steps", type=int, default=0, help="steps; the same result each time")
    limit.add_argument(
        "--prepare",
        action="store_true",
        help="only make what training reads: corpus, first weights",
    )
    parser.add_argument("--start-from", type=Path, help="go on from this model and its tokenizer")
    parser.add_argument(
        "--donor", type=Path, help="larger Llama model to take first weights from, folder or .gguf"
    )
    parser.add_argument(
        "--encoder", type=Path, help="folder of a sentence encoder to teach, for softer labels"
    )
    parser.add_argument(
        "--judgements", action="store_true", help="mostly examples that teachers were asked about"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, default=1.0, help="part of the examples to use")
    parser.add_argument("--learning-rate", type=float, default=Recipe().learning_rate)
    parser.add_argument("--dropout", type=float, default=Recipe().dropout)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""Trains the starter translator's adapter, so that others can repeat or better it.

    python -m models.starter.train --pairs news.jsonl --eval held-out.jsonl --output run

takes sentence pairs (JSONL with ``en`` and ``ru``), the base weights that ``build``
takes, and trains what the committed adapter has: LoRA on every linear layer, and the
norms whole. ``--adapter models/starter`` goes on from the committed one. The folder
it writes has that adapter's file names and can stand in its place.

Loss is counted on the answer and its end, not on the prompt. Batches are filled by
padded tokens; the rate rises, then falls with a cosine. Everything that chance decides
follows from the seed and the step, so a run that was killed goes on from its last
checkpoint as if nothing had happened: start the same command again.

It is one process on one device, and it trains this one model. It is no recipe for a
good translator either: that takes a larger base and more text than two cores can read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import math
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from models import lock
from models.starter import build
from models.starter.pairs import Example, Pair, ask, deal, encode_pairs, read_pairs, stack

ADAPTER = ("adapter_config.json", "adapter_model.safetensors")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """All that decides a run's result, besides base, pairs and machine."""

    steps: int = 0  # 0: as many as ``epochs`` needs
    epochs: float = 1.0
    rank: int = 32  # of a new adapter; alpha is twice that
    learning_rate: float = 2e-4  # at its highest
    warmup: float = 0.05  # of all steps
    batch_tokens: int = 2048  # padded
    longest: int = 256  # tokens of a pair, prompt included; longer ones are left out
    seed: int = 1
    bfloat16: bool = False  # activations only; weights stay float32


@dataclass(frozen=True)
class Check:
    """How it stands after ``step`` batches: nats per answer token, and chrF of greedy answers."""

    step: int
    training_loss: float | None  # mean since the last check
    held_out_loss: float | None
    chrf: float | None


class Run:
    """One training run and the folder it writes.

    ``base`` is any causal language model with the starter's module names; it is changed
    in place. ``adapter`` is a folder to go on from. Checkpoints lie in ``output``; if
    there is one, the run goes on from there. Raises ``ValueError`` if that run had another
    plan, or other pairs, or no pair fits.
    """

    def __init__(
        self,
        base: Any,
        tokenizer: Any,
        pairs: Sequence[Pair],
        held_out: Sequence[Pair],
        output: Path,
        plan: Plan,
        adapter: Path | None = None,
        spoken: int = 50,
    ) -> None:
        self._tokenizer = tokenizer
        self._examples = encode_pairs(tokenizer, pairs, plan.longest)
        self._held_out = encode_pairs(tokenizer, held_out, plan.longest)
        self._spoken = held_out[:spoken]  # these are translated for chrF: slow, so not all
        if not self._examples:
            raise ValueError(f"none of {len(pairs)} pairs has at most {plan.longest} tokens")
        if not plan.steps:
            each = len(deal(self._examples, plan.batch_tokens, plan.seed))
            plan = replace(plan, steps=max(1, round(plan.epochs * each)))
        self.plan = plan
        self._output = output
        self._identity = {
            "plan": asdict(plan),
            "adapter": lock.sha256(adapter / ADAPTER[1]) if adapter else None,
            "pairs": len(self._examples),
            "pairs_sha256": hashlib.sha256(repr(self._examples).encode()).hexdigest(),
        }
        self.step, self.checks = 0, list[Check]()
        checkpoint = self._last_checkpoint()
        if checkpoint:
            self._read_progress(checkpoint)
        self._model = adapted(base, plan, checkpoint or adapter)
        self._trained = [weight for weight in self._model.parameters() if weight.requires_grad]
        self._optimizer = torch.optim.AdamW(self._trained, lr=0.0, weight_decay=0.0)
        if checkpoint:
            state = torch.load(checkpoint / "optimizer.pt", weights_only=True)
            self._optimizer.load_state_dict(state)

    def train(self, check_every: int = 100) -> Check:
        """Take the remaining steps, with a check and a checkpoint now and then, and finish.

        Returns the last check. The adapter lies in the output folder afterwards.
        """
        if not self.step:
            self._check([])
        losses, began, tokens = list[float](), time.monotonic(), 0
        for batch in self._batches():
            losses.append(self._learn(batch))
            tokens += sum(len(example.ids) for example in batch)
            self.step += 1
            if self.step % check_every == 0 or self.step == self.plan.steps:
                rate = tokens / (time.monotonic() - began)
                _log.info("step %d of %d, %.0f tokens/s", self.step, self.plan.steps, rate)
                self._check(losses)
                self._write_checkpoint()
                losses, began, tokens = [], time.monotonic(), 0
        self._finish()
        return self.checks[-1]

    def rate(self, step: int) -> float:
        """Return the learning rate of a step: a linear rise, then half a cosine down to nothing."""
        warm = max(1, round(self.plan.warmup * self.plan.steps))
        if step < warm:
            return self.plan.learning_rate * (step + 1) / warm
        done = (step - warm) / max(1, self.plan.steps - warm)
        return self.plan.learning_rate * (1 + math.cos(math.pi * done)) / 2

    def _batches(self) -> Iterator[list[Example]]:
        """Yield the batches that are left, the same whether or not the run was interrupted."""
        step = 0
        for epoch in count():
            for batch in deal(self._examples, self.plan.batch_tokens, self.plan.seed + epoch):
                if step == self.plan.steps:
                    return
                if step >= self.step:
                    yield batch
                step += 1

    def _learn(self, batch: Sequence[Example]) -> float:
        self._model.train()
        for group in self._optimizer.param_groups:
            group["lr"] = self.rate(self.step)
        total, answers = self._loss(batch)
        loss = total / answers
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._trained, 1.0)
        self._optimizer.step()
        return loss.item()

    def _loss(self, batch: Sequence[Example]) -> tuple[torch.Tensor, int]:
        """Return the summed loss over the answers' tokens, and how many they are.

        The output layer is the largest matrix, so it sees the answers' places alone.
        """
        device = self._model.device
        rows = stack(batch, self._tokenizer.pad_token_id)
        labels = rows.labels.to(device)[:, 1:]  # each place predicts the next
        places = labels != -100
        causal = self._model.get_base_model()
        with torch.autocast(device.type, torch.bfloat16, enabled=self.plan.bfloat16):
            hidden = causal.model(
                input_ids=rows.input_ids.to(device),
                attention_mask=rows.attention_mask.to(device),
                use_cache=False,
            ).last_hidden_state
            logits = causal.lm_head(hidden[:, :-1][places])
        loss = functional.cross_entropy(logits.float(), labels[places], reduction="sum")
        return loss, int(places.sum())

    def _check(self, losses: Sequence[float]) -> None:
        check = Check(
            step=self.step,
            training_loss=sum(losses) / len(losses) if losses else None,
            held_out_loss=self._held_out_loss() if self._held_out else None,
            chrf=self._chrf() if self._spoken else None,
        )
        self.checks.append(check)
        _log.info("%s", json.dumps(asdict(check)))

    @torch.inference_mode()
    def _held_out_loss(self) -> float:
        self._model.eval()
        batches = deal(self._held_out, self.plan.batch_tokens, seed=0)
        sums = [self._loss(batch) for batch in batches]
        return sum(float(total) for total, _ in sums) / sum(answers for _, answers in sums)

    def _chrf(self) -> float:
        from sacrebleu import corpus_chrf

        answers = self.translate([pair.en for pair in self._spoken])
        return corpus_chrf(answers, [[pair.ru for pair in self._spoken]]).score

    @torch.inference_mode()
    def translate(self, sentences: Sequence[str], at_once: int = 16) -> list[str]:
        """Translate greedily, as the model stands."""
        self._model.eval()
        answers = []
        for start in range(0, len(sentences), at_once):
            prompts = [ask(sentence) for sentence in sentences[start : start + at_once]]
            batch = self._tokenizer(
                prompts, padding=True, padding_side="left", return_tensors="pt"
            ).to(self._model.device)
            width = batch["input_ids"].shape[1]
            output = self._model.generate(
                **batch,
                do_sample=False,
                max_new_tokens=2 * width,
                eos_token_id=self._tokenizer.eos_token_id,
                pad_token_id=self._tokenizer.pad_token_id,
            )
            answers += self._tokenizer.batch_decode(output[:, width:], skip_special_tokens=True)
        return [answer.strip() for answer in answers]

    def _last_checkpoint(self) -> Path | None:
        return max(self._output.glob("checkpoint-????????"), default=None)

    def _read_progress(self, checkpoint: Path) -> None:
        progress = json.loads((checkpoint / "progress.json").read_text(encoding="utf-8"))
        if progress["run"] != self._identity:
            raise ValueError(
                f"{self._output} holds a run with other settings or other pairs; "
                "name another output folder, or remove its checkpoints"
            )
        self.step = progress["step"]
        self.checks = [Check(**check) for check in progress["checks"]]
        _log.info("going on from step %d", self.step)

    def _write_checkpoint(self) -> None:
        """Write all that a new process needs; a checkpoint is there whole or not at all."""
        self._output.mkdir(parents=True, exist_ok=True)
        older = list(self._output.glob("checkpoint-*"))
        with tempfile.TemporaryDirectory(dir=self._output, prefix="writing-") as work:
            folder = Path(work) / "checkpoint"
            self._write_adapter(folder)
            torch.save(self._optimizer.state_dict(), folder / "optimizer.pt")
            progress = {"run": self._identity, "step": self.step, "checks": self._history()}
            (folder / "progress.json").write_text(json.dumps(progress), encoding="utf-8")
            folder.rename(self._output / f"checkpoint-{self.step:08d}")
        for checkpoint in older:
            shutil.rmtree(checkpoint)

    def _write_adapter(self, folder: Path) -> None:
        # Asked for the embeddings, peft would ask the hub whether they have changed.
        self._model.save_pretrained(folder, save_embedding_layers=False)
        (folder / "README.md").unlink(missing_ok=True)  # peft's form, to be filled in

    def _history(self) -> list[dict[str, Any]]:
        return [asdict(check) for check in self.checks]

    def _finish(self) -> None:
        """Put the last checkpoint's adapter, and how it came about, where they are looked for.

        Its low-rank matrices are rounded to bfloat16, like the committed adapter's: half the size.
        """
        checkpoint = self._last_checkpoint()
        assert checkpoint  # the last step writes one
        config, weights = (self._output / name for name in ADAPTER)
        rounded = {
            name: weight.bfloat16() if "lora_" in name else weight
            for name, weight in load_file(checkpoint / weights.name).items()
        }
        partial = weights.with_suffix(".partial")
        save_file(rounded, partial, metadata={"format": "pt"})
        partial.chmod(0o644)  # safetensors writes for the owner alone
        partial.replace(weights)
        shutil.copyfile(checkpoint / config.name, config)
        story = {**self._identity, "checks": self._history()}
        text = json.dumps(story, indent=1) + "\n"
        (self._output / "training.json").write_text(text, encoding="utf-8")


def adapted(base: Any, plan: Plan, adapter: Path | None) -> Any:
    """Return ``base`` with the adapter in that folder, or with a new one of the plan's rank.

    A new one is of the committed adapter's form: same layers, alpha twice the rank.
    It changes nothing until it is trained.
    """
    from peft import LoraConfig, PeftModel, get_peft_model

    if adapter:
        return PeftModel.from_pretrained(base, str(adapter), is_trainable=True)
    config: Any = LoraConfig.from_pretrained(str(build.SOURCE))
    base.name_or_path = config.base_model_name_or_path  # not wherever it was read from
    config.r, config.lora_alpha, config.inference_mode = plan.rank, 2 * plan.rank, False
    torch.manual_seed(plan.seed)  # half of every pair of matrices begins as noise
    return get_peft_model(base, config)


def open_tokenizer(source: Path = build.SOURCE) -> Any:
    """Return the starter's tokenizer, as its file says and nothing added."""
    from transformers import PreTrainedTokenizerFast

    special = {f"{name}_token": f"<{name}>" for name in ("pad", "bos", "eos", "unk")}
    return PreTrainedTokenizerFast(tokenizer_file=str(source / "tokenizer.json"), **special)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says."""
    plan = Plan()
    parser = argparse.ArgumentParser(
        prog="python -m models.starter.train",
        description="Train the starter translator's adapter on sentence pairs.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--pairs", type=Path, action="append", required=True, help="JSONL with en and ru")
    add("--eval", type=Path, action="append", default=[], help="the same, held out")
    add("--output", type=Path, required=True, help="folder of the adapter and its checkpoints")
    add("--adapter", type=Path, help="folder of an adapter to go on from; else a new one")
    add("--epochs", type=float, default=plan.epochs, help="times through the pairs")
    add("--steps", type=int, default=plan.steps, help="batches; over 0, instead of epochs")
    add("--rank", type=int, default=plan.rank, help="of a new adapter")
    add("--learning-rate", type=float, default=plan.learning_rate, help="at its highest")
    add("--warmup", type=float, default=plan.warmup, help="share of the steps")
    add("--batch-tokens", type=int, default=plan.batch_tokens, help="padding included")
    add("--longest", type=int, default=plan.longest, help="tokens; longer pairs are left out")
    add("--seed", type=int, default=plan.seed, help="of order and new weights")
    add("--bfloat16", action="store_true", help="activations in bfloat16")
    add("--check-every", type=int, default=100, help="steps between checks and checkpoints")
    add("--spoken", type=int, default=50, help="held-out pairs translated for chrF")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="torch device")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")

    try:
        run = Run(
            build.open_base().to(options.device),
            open_tokenizer(),
            read_pairs(options.pairs),
            read_pairs(options.eval),
            options.output,
            Plan(**{name: getattr(options, name) for name in asdict(plan)}),
            options.adapter,
            options.spoken,
        )
    except (OSError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    run.train(options.check_every)
    for name in set(build.INPUTS) - set(ADAPTER):  # the folder is a source for ``build`` then
        shutil.copyfile(build.SOURCE / name, options.output / name)


if __name__ == "__main__":
    main()

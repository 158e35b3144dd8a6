# mypy: ignore-errors
"""Write a tiny random Llama that vLLM can really serve: `python make_model.py FOLDER`.

Run by harness.images with the engine image's own Python, so that the files are those of its libraries' versions. The
weights are random with a fixed seed: nothing is downloaded, and the answers make no sense.
"""

import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

SENTENCE = "a bulwark keeps inside what is inside and outside what is outside"
SPECIAL = ("<s>", "</s>")
VOCABULARY = 512


def tokenizer() -> PreTrainedTokenizerFast:
    """Train a byte-level tokenizer on one sentence."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=list(SPECIAL), initial_alphabet=alphabet)
    made.train_from_iterator([SENTENCE], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token=SPECIAL[0], eos_token=SPECIAL[1])


def model() -> LlamaForCausalLM:
    """Make a Llama of two layers."""
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        # vLLM's attention on the CPU wants 64: with 16 it says that it is healthy and dies at the first completion.
        head_dim=64,
        max_position_embeddings=512,
        bos_token_id=0,
        eos_token_id=1,
    )
    return LlamaForCausalLM(config).to(torch.bfloat16)


def main(folder: Path) -> None:
    """Write model and tokenizer, readable by the server's user."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer().save_pretrained(folder)
    model().save_pretrained(folder)
    for path in folder.iterdir():
        path.chmod(0o644)  # transformers writes the weights with 0600


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""The random model's tokenizer: CLIP's byte-level form with no merges, so a token is one character."""

from transformers import CLIPTokenizer

MAX_TOKENS = 77
"""As CLIP's: start, 75 tokens of text, end."""

START, END = "<|startoftext|>", "<|endoftext|>"


def build_tokenizer(pad_token: str) -> CLIPTokenizer:
    """A CLIP tokenizer of 514 tokens: each byte, each byte at a word's end, start and end of text.

    ``pad_token`` differs in SDXL's two tokenizers: the second pads with "!", the first with the end of text.
    """
    characters = _byte_characters()
    tokens = [*characters, *(f"{character}</w>" for character in characters), START, END]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizer(
        vocab=vocabulary,
        merges=[],
        unk_token=END,
        bos_token=START,
        eos_token=END,
        pad_token=pad_token,
        model_max_length=MAX_TOKENS,
    )


def _byte_characters() -> list[str]:
    """The 256 characters that stand for bytes in GPT-2's and CLIP's vocabularies, in CLIP's order.

    Printable bytes stand for themselves, the others for the characters from U+0100 on.
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = 256 - len(printable)
    return [chr(code) for code in printable] + [chr(256 + number) for number in range(others)]

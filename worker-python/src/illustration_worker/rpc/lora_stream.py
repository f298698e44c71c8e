"""``PutLoraRequest``s -> a header and the chunks of a file."""

from collections.abc import AsyncIterator

from autobio.worker.v1 import model_pb2
from illustration_worker.engine.port import LoraHeader
from illustration_worker.errors import InvalidRequestError
from illustration_worker.rpc.people import MAX_LORA_ID_CHARACTERS, MAX_LORA_VERSION_CHARACTERS


async def header_of(requests: AsyncIterator[model_pb2.PutLoraRequest]) -> LoraHeader:
    """What follows, taken from the first of ``requests``.

    Raises:
        InvalidRequestError: there is none, it is no header, or a field of it is out of range.
    """
    first = await anext(requests, None)
    if first is None or first.WhichOneof("part") != "header":
        raise InvalidRequestError("The first message must be the header.")
    header = LoraHeader(first.header.lora_id, first.header.version, first.header.size_bytes)
    problems = []
    if not 1 <= len(header.lora_id) <= MAX_LORA_ID_CHARACTERS:
        problems.append(f"lora_id must have 1 to {MAX_LORA_ID_CHARACTERS} characters")
    if not 1 <= len(header.version) <= MAX_LORA_VERSION_CHARACTERS:
        problems.append(f"version must have 1 to {MAX_LORA_VERSION_CHARACTERS} characters")
    if header.size_bytes < 0:
        problems.append("size_bytes must not be negative")
    if problems:
        raise InvalidRequestError("; ".join(problems) + ".")
    return header


async def chunks_of(requests: AsyncIterator[model_pb2.PutLoraRequest]) -> AsyncIterator[bytes]:
    """The file's pieces, taken from the rest of ``requests``.

    Raises:
        InvalidRequestError: there is another header among them.
    """
    async for request in requests:
        if request.WhichOneof("part") != "chunk":
            raise InvalidRequestError("After the header only chunks may follow.")
        yield request.chunk

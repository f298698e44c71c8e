"""From the last step to the caller: decoded on the decoder's thread, written as PNG on the picture threads."""

import contextvars
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from illustration_worker.engine.batching.decoder import Decoder
from illustration_worker.engine.batching.denoising import Denoising
from illustration_worker.engine.batching.failures import device_lost, ids_of, told_error
from illustration_worker.engine.batching.preview import preview_pixels
from illustration_worker.engine.batching.ticket import BatchTicket
from illustration_worker.engine.device_thread import DeviceThread
from illustration_worker.engine.job_queue import JobQueue
from illustration_worker.errors import GenerationFailedError, WorkerError
from illustration_worker.images import Pixels, encode_png
from illustration_worker.job import Finished, Preview, Timings

_log = logging.getLogger(__name__)


class Finishing:
    """Takes what is denoised off the step loop's hands."""

    def __init__(
        self,
        decoder: Decoder,
        queue: JobQueue[BatchTicket],
        picture_threads: ThreadPoolExecutor,
        lose_device: Callable[[], None],
    ) -> None:
        self._decoder = decoder
        self._queue = queue
        self._picture_threads = picture_threads
        self._lose_device = lose_device
        self._decoder_thread = DeviceThread()

    def finish(self, denoising: Denoising) -> None:
        """Decode, encode, tell; returns at once. The computation of the latents must be over."""
        context = denoising.ticket.context.copy()
        self._decoder_thread.submit(lambda: context.run(self._decode, denoising))

    def preview(self, denoising: Denoising) -> None:
        """Tell what the picture looks like now; returns as soon as the latents are on the CPU."""
        latents = denoising.latents if denoising.preview_latents is None else denoising.preview_latents
        self._picture_threads.submit(_tell_preview, denoising.ticket, denoising.steps_done, preview_pixels(latents))

    def stop(self) -> None:
        """End the decoder's thread after what it was given."""
        self._decoder_thread.stop()

    def _decode(self, denoising: Denoising) -> None:
        began = time.perf_counter()
        failure: WorkerError
        try:
            denoising.ticket.raise_if_over()
            pixels = self._decoder.decode(denoising.latents)
        except Exception as error:
            failure = self._failure(error, denoising.ticket)
        else:
            denoising.spent.device_seconds += time.perf_counter() - began
            decoded_at = time.perf_counter()
            context = contextvars.copy_context()
            self._picture_threads.submit(context.run, self._encode, denoising, pixels, decoded_at)
            return
        self._queue.release(denoising.ticket)
        denoising.ticket.fail(failure)

    def _failure(self, error: Exception, ticket: BatchTicket) -> WorkerError:
        try:
            return told_error(error, ticket.job)
        except Exception as lost:
            _log.critical("the device failed while decoding", exc_info=lost)
            self._lose_device()
            return device_lost()

    def _encode(self, denoising: Denoising, pixels: Pixels, decoded_at: float) -> None:
        ticket, spent = denoising.ticket, denoising.spent
        try:
            png = encode_png(pixels)
        except Exception:
            _log.exception("PNG encoding failed", extra=ids_of(ticket.job))
            self._queue.release(ticket)
            ticket.fail(GenerationFailedError("The picture could not be written as PNG."))
            return
        # every second from acceptance to here is in exactly one of these
        timings = Timings(
            queue=spent.begun_at - ticket.accepted_at - ticket.reference_seconds,
            encode=spent.encoded_at - spent.begun_at + ticket.reference_seconds,
            denoise=spent.denoised_at - spent.encoded_at,
            decode=decoded_at - spent.denoised_at,
            png=time.perf_counter() - decoded_at,
        )
        height, width, _ = pixels.shape
        self._queue.release(ticket)
        ticket.emit(
            Finished(
                png=png,
                width=width,
                height=height,
                timings=timings,
                device_seconds=spent.device_seconds,
                lora_sha256=ticket.lora_sha256,
                warnings=ticket.warnings,
            )
        )


def _tell_preview(ticket: BatchTicket, index: int, pixels: Pixels) -> None:
    try:
        ticket.emit(Preview(index=index, png=encode_png(pixels)))
    except Exception:  # the picture itself is not affected
        _log.exception("preview failed", extra=ids_of(ticket.job))

"""The worker's error catalogue: which gRPC status each reason of ``autobio.errors.v1`` travels under."""

from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]
from grpc import StatusCode

from illustration_worker.errors import WorkerError

DOMAIN = "illustration.autobio"
INTERNAL_DETAIL = "The worker failed unexpectedly; its log says more under the request id."
"""All that a caller learns of a failure that is not a ``WorkerError``."""

STATUS_OF_REASON = {
    "MALFORMED_REQUEST": StatusCode.INVALID_ARGUMENT,
    "VALIDATION_FAILED": StatusCode.INVALID_ARGUMENT,
    "IDEMPOTENCY_KEY_INVALID": StatusCode.INVALID_ARGUMENT,
    "IDEMPOTENCY_KEY_REUSED": StatusCode.INVALID_ARGUMENT,
    "UNAUTHENTICATED": StatusCode.UNAUTHENTICATED,
    "FORBIDDEN": StatusCode.PERMISSION_DENIED,
    "NOT_FOUND": StatusCode.NOT_FOUND,
    "METHOD_NOT_ALLOWED": StatusCode.UNIMPLEMENTED,
    "NOT_ACCEPTABLE": StatusCode.INVALID_ARGUMENT,
    "PAYLOAD_TOO_LARGE": StatusCode.INVALID_ARGUMENT,
    "UNSUPPORTED_MEDIA_TYPE": StatusCode.INVALID_ARGUMENT,
    "HEADERS_TOO_LARGE": StatusCode.INVALID_ARGUMENT,
    "REQUEST_TIMEOUT": StatusCode.DEADLINE_EXCEEDED,
    "AVATAR_NOT_FOUND": StatusCode.FAILED_PRECONDITION,
    "AVATAR_FORBIDDEN": StatusCode.INTERNAL,
    "AVATAR_INVALID": StatusCode.FAILED_PRECONDITION,
    "LORA_NOT_FOUND": StatusCode.FAILED_PRECONDITION,
    "LORA_INVALID": StatusCode.FAILED_PRECONDITION,
    "JOB_NOT_CANCELABLE": StatusCode.FAILED_PRECONDITION,
    "QUOTA_EXCEEDED": StatusCode.RESOURCE_EXHAUSTED,
    "QUEUE_FULL": StatusCode.RESOURCE_EXHAUSTED,
    "STARTING": StatusCode.UNAVAILABLE,
    "DRAINING": StatusCode.UNAVAILABLE,
    "WORKER_UNAVAILABLE": StatusCode.UNAVAILABLE,
    "STORAGE_UNAVAILABLE": StatusCode.UNAVAILABLE,
    "DEADLINE_EXCEEDED": StatusCode.DEADLINE_EXCEEDED,
    "GPU_OUT_OF_MEMORY": StatusCode.RESOURCE_EXHAUSTED,
    "GENERATION_FAILED": StatusCode.INTERNAL,
    "ATTEMPTS_EXHAUSTED": StatusCode.INTERNAL,
    "CANCELED": StatusCode.CANCELLED,
    "INTERNAL": StatusCode.INTERNAL,
}


def reason_of(error: Exception) -> str:
    """The error's reason, without the prefix ``REASON_``."""
    return error.reason if isinstance(error, WorkerError) else WorkerError.reason


def status_of(error: Exception) -> status_pb2.Status:
    """What a caller is told of ``error``: code, sentence, and an ``ErrorInfo`` with the reason."""
    reason = reason_of(error)
    info = error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN)
    packed = any_pb2.Any()
    packed.Pack(info)
    return status_pb2.Status(
        code=STATUS_OF_REASON[reason].value[0],
        message=error.detail if isinstance(error, WorkerError) else INTERNAL_DETAIL,
        details=[packed],
    )

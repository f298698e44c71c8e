"""The catalogue is complete, and says what the contract says."""

import grpc
import pytest
from google.rpc import error_details_pb2  # type: ignore[import-untyped]

from autobio.errors.v1 import errors_pb2
from illustration_worker.errors import GenerationFailedError, WorkerError
from illustration_worker.rpc.statuses import DOMAIN, INTERNAL_DETAIL, STATUS_OF_REASON, status_of

REASONS = {name.removeprefix("REASON_") for name in errors_pb2.Reason.DESCRIPTOR.values_by_name} - {"UNSPECIFIED"}


def test_every_reason_of_the_contract_has_a_row_and_no_row_is_invented() -> None:
    assert set(STATUS_OF_REASON) == REASONS


@pytest.mark.parametrize("error_type", [WorkerError, *WorkerError.__subclasses__()], ids=lambda t: t.__name__)
def test_every_worker_error_has_a_reason_of_the_contract(error_type: type[WorkerError]) -> None:
    assert error_type.reason in REASONS


def test_no_two_worker_errors_share_a_reason() -> None:
    reasons = [error_type.reason for error_type in WorkerError.__subclasses__()]
    assert len(reasons) == len(set(reasons))


@pytest.mark.parametrize(
    ("error", "code", "reason", "text"),
    [
        (GenerationFailedError("The model drew nothing."), "INTERNAL", "GENERATION_FAILED", "The model drew nothing."),
        (ValueError("/etc/secret"), "INTERNAL", "INTERNAL", INTERNAL_DETAIL),
    ],
)
def test_a_status_carries_the_reason(error: Exception, code: str, reason: str, text: str) -> None:
    status = status_of(error)
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (status.code, status.message) == (grpc.StatusCode[code].value[0], text)
    assert (info.reason, info.domain) == (reason, DOMAIN)

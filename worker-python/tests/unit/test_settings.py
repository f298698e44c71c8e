"""The environment is read once, completely, and never repeated in a message."""

import json
import subprocess
import sys

import pytest
from pydantic import ValidationError

from illustration_worker.settings import Settings, SettingsError, describe_settings, load_settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*(row["name"] for row in describe_settings()), "UVICORN_LOG_LEVEL"]:
        monkeypatch.delenv(name, raising=False)


def problems_with(monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[str]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    return raised.value.problems


def test_the_defaults_are_the_prototypes() -> None:
    settings = load_settings()
    assert settings.model_path == "stabilityai/stable-diffusion-xl-base-1.0"
    assert (settings.ip_adapter, settings.ip_adapter_subfolder) == ("h94/IP-Adapter", "sdxl_models")
    assert settings.enable_ip_adapter is True
    assert (settings.engine, settings.device, settings.dtype) == ("batching", "auto", "auto")
    assert settings.worker_address == "127.0.0.1:50051"


def test_values_come_from_the_environment_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVICE", "CUDA")
    monkeypatch.setenv("ENABLE_IP_ADAPTER", "False")
    monkeypatch.setenv("MAX_OUTSTANDING_JOBS", "3")
    monkeypatch.setenv("FAKE_HANG_AT_STEP", "2")
    settings = load_settings()
    assert (settings.device, settings.enable_ip_adapter, settings.max_outstanding_jobs) == ("cuda", False, 3)
    assert settings.fake_hang_at_step == 2


def test_an_empty_variable_is_an_absent_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for row in describe_settings():
        monkeypatch.setenv(row["name"], "")
    assert load_settings() == Settings()


@pytest.mark.parametrize("name", ["LOG_LEVEL", "UVICORN_LOG_LEVEL"])
def test_both_names_of_the_log_level_work(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "WARNING")
    assert load_settings().log_level == "warning"


def test_the_new_name_of_the_log_level_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UVICORN_LOG_LEVEL", "error")
    monkeypatch.setenv("LOG_LEVEL", "debug")
    assert load_settings().log_level == "debug"


def test_all_problems_are_told_at_once_without_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = problems_with(
        monkeypatch,
        DEVICE="hunter2",
        UVICORN_LOG_LEVEL="hunter2",
        MAX_OUTSTANDING_JOBS="0",
        SHUTDOWN_GRACE_SECONDS="-1",
        WORKER_ADDRESS="hunter2",
        LORA_SCALE="hunter2",
    )
    told = {problem.partition(":")[0] for problem in problems}
    assert told == {
        "DEVICE", "LOG_LEVEL", "MAX_OUTSTANDING_JOBS", "SHUTDOWN_GRACE_SECONDS", "WORKER_ADDRESS", "LORA_SCALE",
    }  # fmt: skip
    assert "hunter2" not in "".join(problems)


@pytest.mark.parametrize("address", ["unix:/run/w.sock", "unix:w.sock", "0.0.0.0:50051", "[::1]:0", "worker:65535"])
def test_good_addresses(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("WORKER_ADDRESS", address)
    assert load_settings().worker_address == address


@pytest.mark.parametrize("address", ["unix:", "localhost", ":50051", "::1:50051", "host:65536", "host:x", "a b:1"])
def test_bad_addresses(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    problems = problems_with(monkeypatch, WORKER_ADDRESS=address)
    assert problems == ["WORKER_ADDRESS: must be unix:PATH or HOST:PORT."]


def test_an_always_on_lora_needs_its_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems_with(monkeypatch, ENABLE_LORA="true") == ["LORA_WEIGHTS: is needed when ENABLE_LORA is on."]
    monkeypatch.setenv("LORA_WEIGHTS", "folder")
    assert load_settings().lora_weights == "folder"


@pytest.mark.parametrize("value", ["false", "False", "0", "no"])
def test_lora_switched_off_is_fine(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ENABLE_LORA", value)
    load_settings()


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        load_settings().device = "cpu"


def test_the_table_is_printed_as_json() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "illustration_worker.settings"], capture_output=True, check=True, text=True
    )
    rows = {row["name"]: row for row in json.loads(printed.stdout)}
    assert rows["DEVICE"]["type"] == "auto | cuda | mps | cpu"
    assert rows["MAX_OUTSTANDING_JOBS"]["type"] == "integer 1 to 1024"
    assert rows["MAX_OUTSTANDING_JOBS"]["default"] == 16
    assert rows["LOG_LEVEL"]["default"] == "info"
    assert rows["FAKE_HANG_AT_STEP"]["type"] == "integer 1 to 150"
    assert all(row["description"].endswith(".") for row in rows.values())


@pytest.mark.parametrize(("text", "switch"), [("true", "on"), ("False", "off"), ("1", "on"), ("AUTO", "auto")])
def test_a_switch_takes_the_usual_words(monkeypatch: pytest.MonkeyPatch, text: str, switch: str) -> None:
    monkeypatch.setenv("REPRODUCIBLE", text)
    assert load_settings().reproducible == switch


@pytest.mark.parametrize("text", ["3", "32", "-1", "many"])
def test_rows_come_in_powers_of_two(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("MAX_BATCH_ROWS", text)
    with pytest.raises(SettingsError, match="MAX_BATCH_ROWS"):
        load_settings()

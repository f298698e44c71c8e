"""The random model: small, the same from the same seed, never half there, never over somebody else's files."""

import filecmp
from pathlib import Path

import pytest

from illustration_worker.models.random_weights.__main__ import main
from illustration_worker.models.random_weights.build import build_random_model, folder_bytes
from illustration_worker.models.random_weights.marker import FolderNotOursError, read_marker


def files_that_differ(one: Path, other: Path) -> set[str]:
    names = {
        path.relative_to(folder).as_posix() for folder in (one, other) for path in folder.rglob("*") if path.is_file()
    }
    _, mismatched, missing = filecmp.cmpfiles(one, other, names, shallow=False)
    return {*mismatched, *missing}


def test_the_same_seed_gives_the_same_bytes(random_model_folder: Path, tmp_path: Path) -> None:
    assert build_random_model(tmp_path / "again")
    assert files_that_differ(random_model_folder, tmp_path / "again") == set()


def test_another_seed_gives_other_weights_and_replaces_those_there(random_model_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    build_random_model(folder)
    assert build_random_model(folder, seed=1)
    differing = files_that_differ(random_model_folder, folder)
    assert {name for name in differing if name.endswith(".safetensors")} == {
        path.relative_to(folder).as_posix() for path in folder.rglob("*.safetensors")
    }
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_model_that_is_there_is_left_alone(random_model_folder: Path) -> None:
    before = (random_model_folder / "model_index.json").stat()
    assert not build_random_model(random_model_folder)
    assert (random_model_folder / "model_index.json").stat() == before


def test_it_is_small_and_everybody_may_read_it(random_model_folder: Path) -> None:
    assert folder_bytes(random_model_folder) < 9e6
    for path in random_model_folder.rglob("*"):
        assert path.stat().st_mode & 0o044 == 0o044


def test_only_safe_formats_are_written(random_model_folder: Path) -> None:
    suffixes = {path.suffix for path in random_model_folder.rglob("*") if path.is_file()}
    assert suffixes == {".json", ".safetensors"}


def test_the_marker_tells_it_from_other_models(random_model_folder: Path, tmp_path: Path) -> None:
    marker = read_marker(random_model_folder)
    assert marker is not None
    assert marker.seed == 0
    assert read_marker(tmp_path) is None


def test_a_folder_with_other_files_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FolderNotOursError):
        build_random_model(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_command_says_where_the_model_is(
    random_model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(random_model_folder)]) == 0
    assert str(random_model_folder) in capsys.readouterr().out
    (tmp_path / "thesis.txt").touch()
    assert main([str(tmp_path)]) == 2
    assert "not built" in capsys.readouterr().err

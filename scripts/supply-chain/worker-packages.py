"""Prints the packages of this environment as a CycloneDX 1.5 document: name, version, licence as its own metadata tells it.

Usage: python worker-packages.py LOCK   (the lock tells which of them are needed to run, and their digests)
"""

import importlib.metadata
import json
import re
import sys
from pathlib import Path
from typing import Any

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)")
_TORCH = ("torch", "triton", "nvidia-", "cuda-")
"""What comes with torch, which is in no lock: which build fits depends on the machine."""


def main(lock: Path) -> None:
    """Write the document to standard output."""
    digests = _digests_in(lock.read_text())
    components = [
        _component(distribution, digests.get(_name_of(distribution), []))
        for distribution in sorted(importlib.metadata.distributions(), key=_name_of)
        if _name_of(distribution) in digests or _name_of(distribution).startswith(_TORCH)
    ]
    tools = [{"name": "scripts/supply-chain/worker-packages.py"}]
    document = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "metadata": {"tools": tools}}
    json.dump({**document, "components": components}, sys.stdout, indent=2)


def _digests_in(lock: str) -> dict[str, list[str]]:
    """Name -> SHA-256 of each of the files the lock allows."""
    digests: dict[str, list[str]] = {}
    name = ""
    for line in lock.splitlines():
        pin = _PIN.match(line)
        if pin:
            name = _normalized(pin[1])
            digests[name] = []
        digests.setdefault(name, []).extend(re.findall(r"--hash=sha256:([0-9a-f]{64})", line))
    return digests


def _component(distribution: importlib.metadata.Distribution, digests: list[str]) -> dict[str, Any]:
    name, version = _name_of(distribution), distribution.version
    return {
        "type": "library",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name}@{version}",
        "licenses": [{"license": {"name": _licence_of(distribution)}}],
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in digests],
    }


def _licence_of(distribution: importlib.metadata.Distribution) -> str:
    """The expression (PEP 639), else the old field, else the classifiers."""
    metadata = distribution.metadata
    if metadata.get("License-Expression"):
        return metadata["License-Expression"]
    stated = metadata.get("License") or ""
    is_name = 0 < len(stated) <= 60 and stated not in ("UNKNOWN", "Dual License")  # else the whole text, or no name
    if is_name:
        return stated
    classifiers = [text for text in metadata.get_all("Classifier") or [] if text.startswith("License :: ")]
    return ", ".join(text.split(" :: ")[-1] for text in classifiers) or "not stated"


def _name_of(distribution: importlib.metadata.Distribution) -> str:
    return _normalized(distribution.metadata["Name"])


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

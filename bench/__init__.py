"""Comparisons, each a command: ``worker-python/.venv/bin/python -m bench.<name>`` in the repository's root.

Ratios, measured side by side in one run: machines are shared and noisy, and a single time says little.
"""

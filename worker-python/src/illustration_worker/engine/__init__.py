"""Engines draw jobs; ``port`` is what the RPC side knows of them."""

"""The demo model: SDXL's topology with random weights, small enough for a laptop and for the tests."""

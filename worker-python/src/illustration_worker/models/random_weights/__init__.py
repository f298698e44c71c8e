"""The random model, a fixture: SDXL's topology with random weights, small enough for a laptop and for the tests."""

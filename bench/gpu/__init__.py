"""G1 to G4 of the specification: SDXL at full size on a GPU, in one command of less than nine minutes."""

"""The sketch model: SDXL's topology, trained from nothing on drawings made by this project's own program."""

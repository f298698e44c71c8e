"""Everything about weights: where they come from and how they become a pipeline."""

"""Training of the sketch model in stages that can be interrupted at any step."""

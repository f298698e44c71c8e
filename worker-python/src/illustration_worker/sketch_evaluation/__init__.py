"""How good the sketch model is, read from its pictures by a network that was trained on real drawings only."""

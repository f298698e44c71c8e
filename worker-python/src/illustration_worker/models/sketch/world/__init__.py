"""The drawing world: things, people and scenes drawn with PIL, and the captions that say what is drawn."""

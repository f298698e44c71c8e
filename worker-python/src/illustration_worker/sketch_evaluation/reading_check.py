"""Validates the reader on real drawings before anything is read from generated ones."""

from random import Random

from illustration_worker.models.sketch.world.catalogue import PERSON
from illustration_worker.models.sketch.world.scene import Relation
from illustration_worker.sketch_evaluation.measures import Figures, stands_right
from illustration_worker.sketch_evaluation.reader import FLAGS, Reader
from illustration_worker.sketch_evaluation.reader_stage import draw_batch, shown_things

_UNPLACED = (Relation.PORTRAIT, Relation.BACKDROP_ONLY, Relation.AT)


def check_reader(reader: Reader, count: int, seed: int = 99) -> Figures:
    """Shares that the reader gets right on ``count`` newly drawn pictures; ``invented``: things read but not drawn."""
    pictures, shown = draw_batch(Random(seed), count)
    right: dict[str, list[bool]] = {"object": [], "place": [], "looks": []}
    invented = 0
    for reading, (scene, placed) in zip(reader.read(pictures), shown, strict=True):
        names = shown_things(scene, placed)
        right["object"] += [name in reading.middles for name in names]
        invented += len(set(reading.middles) - set(names))
        if scene.relation not in _UNPLACED:
            right["place"].append(stands_right(scene, reading))
        person = scene.somebody
        if person is not None and PERSON in reading.middles:
            right["looks"] += [reading.looks[flag] is bool(getattr(person, f"has_{flag}")) for flag in FLAGS]
    shares = {name: sum(values) / max(1, len(values)) for name, values in right.items()}
    return {**shares, "invented a picture": invented / count}

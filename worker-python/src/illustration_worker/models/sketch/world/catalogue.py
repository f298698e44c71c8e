"""Every thing of the world, by name."""

from illustration_worker.models.sketch.world.groups import GROUP_THINGS
from illustration_worker.models.sketch.world.thing import Place, Thing
from illustration_worker.models.sketch.world.things_home import HOME_THINGS
from illustration_worker.models.sketch.world.things_nature import NATURE_THINGS
from illustration_worker.models.sketch.world.things_places import PLACE_THINGS
from illustration_worker.models.sketch.world.things_sky import SKY_THINGS

THINGS: dict[str, Thing] = {
    thing.name: thing for thing in (*SKY_THINGS, *NATURE_THINGS, *PLACE_THINGS, *HOME_THINGS, *GROUP_THINGS)
}


def names_of(place: Place) -> tuple[str, ...]:
    """Names of the things that belong in ``place``."""
    return tuple(name for name, thing in THINGS.items() if thing.place is place)


SKY = names_of(Place.SKY)
GROUND = names_of(Place.GROUND)
BACKDROPS = names_of(Place.BACKDROP)
CARRIERS: dict[str, tuple[str, ...]] = {
    "table": ("cake", "cup", "book", "lamp", "gift", "cat", "teddy"),
    "bench": ("cat", "book", "dog", "teddy", "gift"),
    "chair": ("cat", "teddy", "book"),
    "piano": ("lamp", "cat", "cup", "book"),
}
"""What lies or stands on what."""
SHELTERS = ("house", "school", "church", "tent", "bus", "tree", "train", "bridge")
"""What something else can be in front of."""
IN_FRONT = (
    *("dog", "cat", "car", "bicycle", "snowman", "flower", "ball"),
    *("pram", "horse", "family", "couple", "bench", "boat", "table"),
)
"""What can be in front of a shelter, besides somebody."""
PERSON = "person"
"""The name under which people of every kind are read."""

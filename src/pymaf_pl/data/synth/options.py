"""What a synthetic world may do to a picture; every effect is one field and can be switched off."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Literal, get_args

from pymaf_pl.errors import InputError

World = Literal["studio", "wild"]
WORLDS: tuple[World, ...] = get_args(World)
_CHANCES = (
    "extreme_share", "limber", "free_limbs", "tumble", "loose", "clutter", "bystanders", "truncate", "occlude", "blur",
    "unlabelled_share",
)  # fmt: skip
_CAME_LATER = ("limber", "free_limbs", "silhouettes")  # left out of the record while off


@dataclass(frozen=True)
class WorldOptions:
    """One world's settings. Shares and chances lie in [0, 1]; 0 switches the effect off.

    Args:
        temperature: spread of the pose prior; 1 is the spread of motion-capture data.
        extreme_share: share of the people drawn at ``extreme_temperature`` instead.
        extreme_temperature: spread for those.
        limber: share of the people whose joints are bent beyond everyday movement, backs above all.
        free_limbs: share of the people whose arms and legs go anywhere they can: straddles, crouches, arms flung wide.
        mirror: swap left and right of every other pose, so that nobody is only right-handed.
        heading_deg: standard deviation of the heading about facing the camera; 180 and more is any heading.
        shape_std: standard deviation of the body shape coefficients (wild; studio subjects are fixed).
        distance_m: nearest and farthest camera (wild; studio cameras are fixed).
        off_axis_deg: how far from the optical axis a person may stand (wild).
        tilt_deg: standard deviation of camera roll (wild).
        eye_level_std: spread of the camera's height about 1.45 m (wild); 0.2 to 4 m are the limits.
        tumble: chance that a body is turned any way up: falls, cartwheels, people lying about (wild).
        clothing: draw clothes and hair; off leaves a bare mannequin in one colour.
        patterns: stripes, checks and prints on the clothes.
        thickness: let hair and clothes stand off the skin by up to 2 cm. Masks stay those of the body.
        loose: chance of wide clothes, which stand off by up to 5 cm and fall in folds (wild); needs ``thickness``.
        varied_light: fresh light per picture; off keeps one soft daylight.
        exposure: least and most light on a picture, 1 showing a white cloth as white (wild).
        shadow: the person's shadow on the floor or ground.
        scenery: draw the room or the landscape; off leaves a plain grey backdrop.
        backgrounds: folder of photographs to use behind the person (wild), instead of scenery in every other row.
        clutter: chance of a backdrop that is a collage of random shapes, instead of scenery (wild).
        bystanders: chance of a second person, mostly behind (wild).
        truncate: chance that the picture's edge cuts the person (wild).
        occlude: chance of something standing in front of the person.
        blur: chance of defocus or motion blur.
        noise: largest standard deviation of sensor noise, in grey levels of 255.
        jpeg: lowest and highest JPEG quality.
        margin: smallest and largest picture side over box side; above 1 leaves room for augmentation.
        unlabelled_share: share of rows that carry 2D labels only; never applied to ``val`` and ``test``.
        silhouettes: keep what is seen of each person of ``train``, clothes and hair included, for
            ``augmentation=backdrops``; ``val`` and ``test`` have the bare body's anyway, for measuring.
    """

    temperature: float = 0.8
    extreme_share: float = 0.1
    extreme_temperature: float = 1.0
    limber: float = 0.0
    free_limbs: float = 0.0
    mirror: bool = True
    heading_deg: float = 180.0
    shape_std: float = 1.0
    distance_m: tuple[float, float] = (3.5, 8.0)
    off_axis_deg: float = 10.0
    tilt_deg: float = 2.5
    eye_level_std: float = 0.35
    tumble: float = 0.0
    clothing: bool = True
    patterns: bool = True
    thickness: bool = True
    loose: float = 0.0
    varied_light: bool = True
    exposure: tuple[float, float] = (0.92, 1.35)
    shadow: bool = True
    scenery: bool = True
    backgrounds: Path | None = None
    clutter: float = 0.0
    bystanders: float = 0.0
    truncate: float = 0.0
    occlude: float = 0.0
    blur: float = 0.0
    noise: float = 2.0
    jpeg: tuple[int, int] = (88, 95)
    margin: tuple[float, float] = (1.15, 1.35)
    unlabelled_share: float = 0.0
    silhouettes: bool = False

    def __post_init__(self) -> None:
        for name in _CHANCES:
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"world option {name} is {getattr(self, name)}, but a share lies between 0 and 1")
        for name in ("distance_m", "exposure", "jpeg", "margin"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise InputError(f"world option {name} is ({low}, {high}), but needs 0 < first <= second")
        if self.distance_m[0] < 3.5:
            raise InputError(
                f"world option distance_m starts at {self.distance_m[0]}, but below 3.5 m perspective is too strong for"
                " the network's weak-perspective camera"
            )
        if self.margin[0] < 1 or self.jpeg[1] > 100:
            raise InputError("world options need margin of at least 1 and jpeg of at most 100")

    def as_plain(self) -> dict[str, object]:
        """Return the options as JSON-ready values, for the record of what made a data set.

        What came later is left out while it is off, so that a world of an earlier release is recognised.
        """
        plain: dict[str, object] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _CAME_LATER and value == field.default:
                continue
            plain[field.name] = (
                list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value
            )
        return plain


STUDIO = WorldOptions()
WILD = replace(
    STUDIO,
    heading_deg=70.0,
    shape_std=1.2,
    eye_level_std=0.6,
    tumble=0.05,
    loose=0.4,
    exposure=(0.75, 1.6),
    clutter=0.3,
    bystanders=0.3,
    truncate=0.2,
    occlude=0.2,
    blur=0.2,
    noise=6.0,
    jpeg=(55, 95),
    unlabelled_share=0.5,
)


def default_options(world: World) -> WorldOptions:
    """Return the settings a world has unless told otherwise."""
    return STUDIO if world == "studio" else WILD

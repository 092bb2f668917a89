"""How figures are called and written in tables."""

from collections.abc import Sequence

_LABELS = {
    "mpjpe": "MPJPE mm", "pa_mpjpe": "PA-MPJPE mm", "pve": "PVE mm", "rotation_deg": "rotation deg",
    "body_rotation_deg": "body rotation deg", "pck_2d": "PCK@0.2",
}  # fmt: skip
_SHARES = ("pck", "auc")  # figures in [0, 1], of which more is better; all others are errors


def label(name: str) -> str:
    """Return a figure's heading."""
    return _LABELS.get(name, name)


def more_is_better(name: str) -> bool:
    """Whether a figure counts hits rather than errors."""
    return name.startswith(_SHARES)


def number(name: str, value: float, signed: bool = False) -> str:
    """Write a value with the digits that its figure deserves; a dash if there is none."""
    if value != value:
        return "–"
    digits = 3 if more_is_better(name) else 1
    text = f"{round(value, digits) + 0.0:{'+' if signed else ''}.{digits}f}"  # + 0.0: no minus before a zero
    return text.replace("-", "−")


def span(name: str, ends: Sequence[float], signed: bool = False) -> str:
    """Write an interval as ``[low, high]``."""
    return f"[{', '.join(number(name, end, signed) for end in ends)}]"

"""How figures are called and written in tables."""

from collections.abc import Sequence

_LABELS = {
    "mpjpe": "MPJPE mm", "pa_mpjpe": "PA-MPJPE mm", "pve": "PVE mm", "rotation_deg": "rotation deg",
    "body_rotation_deg": "body rotation deg", "pck_2d": "PCK@0.2",
    "pck_2d_close": "PCK@0.1", "pck_2d_hips": "hips@0.1", "pck_2d_legs": "knees and ankles@0.1",
    "pck_2d_shoulders": "shoulders@0.1", "pck_2d_elbows": "elbows@0.1", "pck_2d_wrists": "wrists@0.1",
    "pck_2d_head": "neck and head@0.1",
    "pa_pve": "PA-PVE mm", "pve_t_sc": "PVE-T-SC mm", "pck_3d": "PCK@150", "auc_3d": "AUC",
    "miou": "mIOU", "fb_accuracy": "FB acc.", "fb_f1": "FB F1", "parts_accuracy": "parts acc.", "parts_f1": "parts F1",
    "parts_accuracy_labelled": "parts acc. without 255", "parts_f1_foreground": "parts F1 without background",
    "pve_root_aligned": "PVE pelvis aligned mm", "pve_unaligned": "PVE unaligned mm",
    "mpjpe_head_top": "MPJPE head top mm", "pa_mpjpe_head_top": "PA-MPJPE head top mm",
    "mpjpe_neutral_truth": "MPJPE neutral truth mm", "pa_mpjpe_neutral_truth": "PA-MPJPE neutral truth mm",
    "pve_neutral_truth": "PVE neutral truth mm", "accel_error": "acceleration mm/frame²",
    "ap": "AP", "ap50": "AP50", "ap75": "AP75", "ap_m": "AP M", "ap_l": "AP L", "ar": "AR", "ar50": "AR50",
    "ar75": "AR75", "ar_m": "AR M", "ar_l": "AR L", "oks": "OKS",
}  # fmt: skip
# figures in [0, 1], of which more is better; all others are errors
_SHARES = ("pck", "auc", "miou", "fb_", "parts_", "ap", "ar", "oks")


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

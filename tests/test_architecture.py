"""Who may know whom. The rooms of the house, bottom to top, as data; the code is read, not run."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]
PACKAGE = TOP / "src" / "pymaf_pl"
EVERYWHERE = {"atomic", "checksums", "errors", "paths"}  # they know nobody
LAYERS = (  # a room knows the rooms below its own line, never those beside it
    ("geometry", "types"),
    ("body", "render"),
    ("models", "losses", "metrics", "data"),
    ("fitting", "official", "shipped", "motion", "video"),
    ("checkpoints", "report"),
    ("rebuilding", "slimming", "confidence"),
    ("inference",),
    ("detection", "engine", "exporting"),
    ("footage",),
    ("commands", "cli"),
)
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
BESIDE = {("cli", "commands")}
MAY_IMPORT = {  # package outside: where in ours
    "hydra": ("commands/",),
    "omegaconf": ("commands/",),
    "pytorch_lightning": ("engine/", "commands/"),
    "wandb": ("engine/", "commands/"),
    "smplx": ("body/model.py",),
    "timm": ("models/timm_backbone.py",),
    "litdata": ("data/packed.py", "data/packing.py"),
    "torchmetrics": ("metrics/", "engine/"),
    "roma": ("geometry/", "metrics/"),
}
MOST_LINES = 400
FILES = sorted(PACKAGE.rglob("*.py"))
# spelt in two, so that this file does not hold them
UNWELCOME = ("/wo" "rk/", "/ro" "ot/", "/ho" "me/", "sub" "agent", "Cla" "ude", "proto" "types")  # fmt: skip


def imports(path: Path) -> set[str]:
    """Every module that a file names in an import, also inside functions and under TYPE_CHECKING."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def rooms_of(path: Path) -> tuple[str, set[str]]:
    own = path.relative_to(PACKAGE).with_suffix("").parts[0]
    known = {name.split(".")[1] for name in imports(path) if name.startswith("pymaf_pl.")}
    return own, known - EVERYWHERE - {own, "__version__"}


def test_every_room_has_its_place() -> None:
    rooms = {path.relative_to(PACKAGE).with_suffix("").parts[0] for path in FILES}
    assert rooms - {"__init__"} == set(LEVEL) | EVERYWHERE


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_knows_only_the_rooms_below(path: Path) -> None:
    own, known = rooms_of(path)
    if own in EVERYWHERE or own == "__init__":
        assert known <= ({"inference", "shipped"} if own == "__init__" else set())  # of pymaf_pl.load
        return
    wrong = {room for room in known if LEVEL[room] >= LEVEL[own] and (own, room) not in BESIDE}
    assert not wrong, f"{own} imports {', '.join(sorted(wrong))}"


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_library_stays_in_its_rooms(package: str) -> None:
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in FILES
        if any(name.split(".")[0] == package for name in imports(path))
    }
    assert all(user.startswith(MAY_IMPORT[package]) for user in users), users


def test_no_file_is_longer_than_a_few_screens() -> None:
    long = {path.name: count for path in FILES if (count := path.read_text().count("\n")) > MOST_LINES}
    assert not long


@pytest.mark.parametrize("module", ["pymaf_pl", "pymaf_pl.cli", "pymaf_pl.commands.composing", "pymaf_pl.errors"])
def test_what_answers_typos_needs_nothing_heavy(module: str) -> None:
    heavy = "torch numpy scipy cv2 smplx pytorch_lightning wandb"
    code = f"import sys, {module}; print(*sys.modules.keys() & set('{heavy}'.split()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_no_tracked_file_tells_where_it_was_written() -> None:
    try:
        done = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    pattern = re.compile("|".join(map(re.escape, UNWELCOME)), re.IGNORECASE)
    found = {}
    for name in filter(None, done.stdout.split("\0")):
        content = (TOP / name).read_bytes() if (TOP / name).is_file() else b"\0"
        if b"\0" not in content and (match := pattern.search(content.decode("utf-8", "replace"))):
            found[name] = match[0]
    assert not found

"""Tiny trees of raw files, one writer per data set, in the documented formats with their quirks.

Every writer takes the folder to fill and returns the numbers that it wrote, so that tests can say what must come out.
"""

import json
import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import scipy.io

CAMERAS = ("54138969", "55011271", "58860488", "60457274")
LENS = np.array([1145.0, 1144.0, 512.0, 515.0, -0.2, 0.24, -0.003, -0.0014, -0.001])  # fx fy cx cy k1 k2 k3 p1 p2


def picture(path: Path, value: int = 128, size: tuple[int, int] = (60, 80)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((*size, 3), value, np.uint8))
    return path


def video(path: Path, frames: int, fourcc: str) -> Path:
    """Write a video whose frame i is a uniform grey of 10 i + 10."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*fourcc), 50, (64, 48))
    assert writer.isOpened()
    for index in range(frames):
        writer.write(np.full((48, 64, 3), 10 * index + 10, np.uint8))
    writer.release()
    return path


# ---------------------------------------------------------------- Human3.6M


def cdf(path: Path, poses: np.ndarray) -> None:
    from cdflib.cdfwrite import CDF

    path.parent.mkdir(parents=True, exist_ok=True)
    file = CDF(path, cdf_spec={"Majority": "row_major"}, delete=True)
    spec = {"Variable": "Pose", "Data_Type": 45, "Num_Elements": 1, "Rec_Vary": True, "Dim_Sizes": list(poses.shape)}
    file.write_var(spec, var_data=poses[None])
    file.close()


def silhouettes(path: Path, corners: list[tuple[int, int, int, int]]) -> None:
    """Write masks as MATLAB 7.3 does: an array of references, each to a transposed picture."""
    import h5py

    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        references = file.create_dataset("Masks", (len(corners), 1), dtype=h5py.ref_dtype)
        for row, (x0, y0, x1, y1) in enumerate(corners):
            mask = np.zeros((40, 50), np.uint8)
            mask[y0:y1, x0:x1] = 1
            references[row, 0] = file.create_dataset(f"#refs#/{row}", data=mask.T).ref


def metadata(path: Path) -> None:
    numbers = np.concatenate([np.zeros(6 * 11 * 4), np.tile(LENS, 4)])
    ids = "".join(f"<i>{camera}</i>" for camera in CAMERAS)
    text = " ".join(map(repr, numbers.tolist()))
    path.write_text(f"<metadata><dbcameras><index2id>{ids}</index2id></dbcameras><w0>[{text}]</w0></metadata>")


def h36m(root: Path, subjects: tuple[str, ...] = ("S1",), frames: int = 12) -> dict[str, Any]:
    """Write "Directions 1" of two cameras and a sequence ``_ALL`` that is to be skipped."""
    rng = np.random.default_rng(0)
    content: dict[str, Any] = {}
    root.mkdir(parents=True, exist_ok=True)
    metadata(root / "metadata.xml")
    for subject in subjects:
        for camera in (CAMERAS[0], CAMERAS[3]):
            name = f"Directions 1.{camera}"
            deep = rng.uniform(-500, 500, (frames, 32, 3)) + np.array([0, 0, 5000.0])
            flat = rng.uniform(100, 900, (frames, 32, 2))
            corners = [(5 + i, 3, 25 + i, 33) for i in range(frames)]
            features = root / subject / "MyPoseFeatures"
            cdf(features / "D3_Positions_mono" / f"{name}.cdf", deep.reshape(frames, 96))
            cdf(features / "D2_Positions" / f"{name}.cdf", flat.reshape(frames, 64))
            cdf(features / "D3_Positions_mono" / f"_ALL 1.{camera}.cdf", deep.reshape(frames, 96))
            silhouettes(root / subject / "MySegmentsMat" / "ground_truth_bb" / f"{name}.mat", corners)
            content[f"{subject}.{camera}"] = {"deep": deep, "flat": flat, "corners": corners}
    return content


def mosh(folder: Path, subject: str, camera: int, frames: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    fit = {"new_poses": rng.normal(size=(frames, 72)), "betas": rng.normal(size=10)}
    path = folder / subject / f"Directions 1_cam{camera}_aligned.pkl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(fit, protocol=2))
    return fit


# ---------------------------------------------------------------- MPI-INF-3DHP


def mpi_train(root: Path, frames: int = 25, subject: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Write S1/Seq1 with labels of 14 videos and pictures of video 0; a joint of frame 3 is outside the picture."""
    rng = np.random.default_rng(2)
    flat = rng.uniform(300, 1500, (frames, 28, 2))
    flat[3, 18, 0] = 2048.0
    deep = rng.uniform(-900, 900, (frames, 28, 3)) + np.array([0, 0, 4000.0])
    folder = root / f"S{subject}" / "Seq1"
    folder.mkdir(parents=True)
    cells_2d, cells_3d = np.empty((14, 1), object), np.empty((14, 1), object)
    for number in range(14):
        shown = frames if number == 0 else 0
        cells_2d[number, 0], cells_3d[number, 0] = flat[:shown].reshape(shown, 56), deep[:shown].reshape(shown, 84)
    scipy.io.savemat(folder / "annot.mat", {"annot2": cells_2d, "annot3": cells_3d})
    blocks = []
    for number in range(2):
        k = np.eye(4)
        k[0, 0], k[1, 1], k[0, 2], k[1, 2] = 1500 + number, 1501, 1024, 1051
        lines = [f"name          {number}", "  sensor      10 10", "  size        2048 2048", "  animated    0"]
        lines += [f"  intrinsic   {' '.join(f'{v:g}' for v in k.ravel())} ", "  extrinsic   " + "1 0 0 0 " * 4]
        blocks += [*lines, "  radial      0"]
    (folder / "camera.calibration").write_text("\n".join(["Skeletool Camera Calibration File V1.0", *blocks]))
    for frame in range(frames):
        picture(folder / "imageFrames" / "video_0" / f"frame_{frame + 1:06d}.jpg")
    return flat, deep


def mpi_test(root: Path, frames: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Write TS1 with one frame not valid (1) and one with a joint outside the 80x60 picture (2)."""
    import h5py

    rng = np.random.default_rng(3)
    flat = rng.uniform(5, 55, (frames, 17, 2))
    flat[2, 16, 1] = 61.0
    deep = rng.uniform(-900, 900, (frames, 17, 3))
    folder = root / "mpi_inf_3dhp_test_set" / "TS1"
    folder.mkdir(parents=True)
    with h5py.File(folder / "annot_data.mat", "w") as file:
        file["annot2"], file["univ_annot3"] = flat[:, None], deep[:, None]
        file["valid_frame"] = np.array([[1], [0], [1], [1], [1], [1]][:frames])
    for frame in range(frames):
        picture(folder / "imageSequence" / f"img_{frame + 1:06d}.jpg")
    return flat, deep


# ---------------------------------------------------------------- 2D sets


def lsp(root: Path, people: int = 2000, images: tuple[int, ...] = (1, 2, 1001, 1002), flags: bool = True) -> np.ndarray:
    """Write LSP's (3, 14, N) joints; joint 4 of everybody is flagged as occluded."""
    joints = np.random.default_rng(4).uniform(5, 55, (3, 14, people))
    joints[2] = 0
    joints[2, 4] = 1
    joints = joints if flags else joints[:2]
    root.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(root / "joints.mat", {"joints": joints})
    for number in images:
        picture(root / "images" / f"im{number:04d}.jpg")
    return joints


def lspet(root: Path, people: int = 6, images: tuple[int, ...] = (1, 2, 3, 4, 5, 6), high: bool = False) -> np.ndarray:
    """Write LSP-Extended's (14, 3, N) joints; two joints of each person were never placed and lie at (0, -26)."""
    joints = np.random.default_rng(5).uniform(5, 55, (14, 3, people))
    joints[:, 2] = 1
    joints[[0, 13]] = np.array([0.0, -26.0, 0.0])[:, None]
    root.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(root / "joints.mat", {"joints": joints})
    for number in images:
        picture(root / (f"im{number:05d}.png" if high else f"images/im{number:05d}.jpg"))
    return joints


def mpii(root: Path) -> dict[str, np.ndarray]:
    """Write the stacked hourglass' train.h5 of three people; the second lacks an ankle."""
    import h5py

    rng = np.random.default_rng(6)
    part = rng.uniform(100, 500, (3, 16, 2))
    part[1, 0] = 0
    content = {"part": part, "center": rng.uniform(200, 300, (3, 2)), "scale": np.array([1.5, 2.0, 2.5])}
    (root / "data").mkdir(parents=True)
    with h5py.File(root / "data" / "train.h5", "w") as file:
        for key, values in content.items():
            file[key] = values
        file["imgname"] = np.array([b"015601864.jpg", b"015601864.jpg", b"015599452.jpg"])
    for name in ("015601864.jpg", "015599452.jpg"):
        picture(root / "images" / name)
    return content


def coco(root: Path, split: str = "train") -> np.ndarray:
    """Write five annotations: whole, eleven limbs, none, a crowd with all, whole but another picture."""
    rng = np.random.default_rng(7)
    keypoints = np.concatenate([rng.integers(10, 60, (5, 17, 2)), np.full((5, 17, 1), 2)], axis=-1)
    keypoints[0, 5, 2] = 1  # labelled, but hidden
    keypoints[0, 0] = 0  # the nose is no limb
    keypoints[1, 16] = 0
    keypoints[2] = 0
    people = [
        {"id": 50 - i, "image_id": 9 - (i == 4) * 5, "category_id": 1, "iscrowd": int(i == 3),
         "bbox": [10.0 + i, 20.0, 40.0, 30.0], "keypoints": keypoints[i].ravel().tolist(),
         "num_keypoints": int((keypoints[i, :, 2] > 0).sum())} for i in range(5)
    ]  # fmt: skip
    names = {9: f"COCO_{split}2014_000000000009.jpg", 4: f"COCO_{split}2014_000000000004.jpg"}
    content = {"images": [{"id": key, "file_name": name} for key, name in names.items()], "annotations": people}
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    (root / "annotations" / f"person_keypoints_{split}2014.json").write_text(json.dumps(content))
    for name in names.values():
        picture(root / f"{split}2014" / name)
    return keypoints


# ---------------------------------------------------------------- evaluation sets


def pw3d(root: Path, frames: int = 4) -> dict[str, Any]:
    """Write one sequence with two people; of the first, frame 1 has no valid camera and frame 2 no detected joint."""
    rng = np.random.default_rng(8)
    points = np.concatenate(
        [rng.uniform(100, 900, (2, frames, 2, 18)), rng.uniform(0.3, 1, (2, frames, 1, 18))], axis=2
    )
    points[0, 2, 2] = 0
    points[0, 0, :, 3] = 0
    cameras = np.tile(np.eye(4), (frames, 1, 1))
    cameras[:, :3, :3] = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]  # a quarter turn about x
    valid = np.ones((2, frames), int)
    valid[0, 1] = 0
    content = {
        "poses": [rng.normal(size=(frames, 72)) for _ in range(2)], "betas": [rng.normal(size=300) for _ in range(2)],
        "poses2d": list(points), "cam_poses": cameras, "genders": ["m", "f"], "campose_valid": list(valid),
        "sequence": "downtown_test_00", "cam_intrinsics": np.eye(3),
    }  # fmt: skip
    content["poses"][1][:, :3] = 0
    path = root / "sequenceFiles" / "test" / "downtown_test_00.pkl"
    path.parent.mkdir(parents=True)
    path.write_bytes(pickle.dumps(content, protocol=2))
    for frame in range(frames):
        picture(root / "imageFiles" / "downtown_test_00" / f"image_{frame:05d}.jpg")
    return content


def oh50k3d(root: Path, world: bool = False) -> dict[str, Any]:
    """Write one person of the test set, 7 times too large, with Windows' slashes and the camera a quarter turn off."""
    rng = np.random.default_rng(9)
    extrinsics = np.eye(4)
    extrinsics[:3, :3] = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
    extrinsics[:3, 3] = [0.5, 0.25, 3.0]
    intrinsics = np.array([[1000.0, 0, 40], [0, 1001.0, 30], [0, 0, 1]])
    joints = rng.uniform(-3, 3, (14, 3)) + np.array([0, 0, 40.0])
    pixels = joints @ intrinsics.T
    stored = (joints - extrinsics[:3, 3]) @ extrinsics[:3, :3] if world else joints
    person = {
        "extri": extrinsics.tolist(), "intri": intrinsics.tolist(), "img_path": "images\\00000.jpg",
        "bbox": [[10.0, 5.0], [50.0, 55.0]], "betas": [rng.normal(size=10).tolist()],
        "pose": [[0.0] * 3 + rng.normal(size=69).tolist()], "trans": [[0, 0, 0]], "scale": [7.0],
        "lsp_joints_2d": (pixels[:, :2] / pixels[:, 2:]).tolist(), "lsp_joints_3d": stored.tolist(),
        "smpl_joints_2d": np.zeros((24, 2)).tolist(), "smpl_joints_3d": np.zeros((24, 3)).tolist(),
    }  # fmt: skip
    path = root / "testset" / "annots.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"00000": person}))
    picture(root / "testset" / "images" / "00000.jpg")
    return person | {"camera": joints}


def ssp3d(root: Path) -> dict[str, np.ndarray]:
    """Write two people; the centres are (row, column)."""
    rng = np.random.default_rng(10)
    content = {
        "fnames": np.array(["a.png", "b.png"]), "shapes": rng.normal(size=(2, 10)), "poses": rng.normal(size=(2, 72)),
        "cam_trans": rng.normal(size=(2, 3)), "joints2D": rng.uniform(100, 400, (2, 17, 3)),
        "bbox_centres": np.array([[250.0, 130.0], [260.0, 140.0]]), "bbox_whs": np.array([300.0, 200.0]),
        "genders": np.array(["m", "f"]),
    }  # fmt: skip
    content["joints2D"][..., 2] = 0.5
    root.mkdir(parents=True, exist_ok=True)
    np.savez(root / "labels.npz", **content)
    for name in content["fnames"]:
        picture(root / "images" / name, size=(512, 512))
        picture(root / "silhouettes" / name, size=(512, 512))
    return content

"""What is known of every data set: its role, licence and source, its files, and how many rows its tables have.

Row counts are those of the paper's tables: PyMAF's supplement for Human3.6M, COCO's validation, 3DOH50K and SSP-3D, and
the training tables of SPIN (dataset_extras) and EFT (README) for the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Needed:
    """A file, or at least one file, that a data set consists of.

    Attributes:
        pattern: glob relative to the data set's folder; alternatives divided by ``|``.
        what: what it is, and where in the download it comes from.
        optional: useful, but the converter does without.
    """

    pattern: str
    what: str
    optional: bool = False

    @property
    def alternatives(self) -> tuple[str, ...]:
        """The patterns, of which one is enough."""
        return tuple(self.pattern.split("|"))


@dataclass(frozen=True)
class Count:
    """How many rows a table should have.

    Attributes:
        rows: the paper's number.
        otherwise: what usually explains another number.
    """

    rows: int
    otherwise: str


@dataclass(frozen=True)
class DataSet:
    """One data set.

    Attributes:
        name: ours; the folder under the common root is called the same.
        title: its authors' name for it.
        role: in the paper.
        labels: what it holds.
        licence: in few words.
        source: where to get it.
        registration: an account or a signed agreement is needed.
        needed: its files.
        tables: what ``pymaf data convert`` makes of it.
    """

    name: str
    title: str
    role: str
    labels: str
    licence: str
    source: str
    registration: bool
    needed: tuple[Needed, ...]
    tables: tuple[str, ...] = ()

    @property
    def how(self) -> str:
        """Where to get it, in one phrase."""
        return f"{self.source}{' (needs registration)' if self.registration else ''}"


DATA_SETS: tuple[DataSet, ...] = (
    DataSet(
        "h36m", "Human3.6M", "training, first stage and mixture; validation", "2D, 3D; pose and shape by MoSh",
        "academic use, no redistribution", "http://vision.imar.ro/human3.6m", True,
        (
            Needed("S*/MyPoseFeatures/D3_Positions_mono/*.cdf", "3D: 'Poses_D3_Positions_mono' of each subject"),
            Needed("S*/MyPoseFeatures/D2_Positions/*.cdf", "2D: 'Poses_D2_Positions' of each subject", True),
            Needed("S*/MySegmentsMat/ground_truth_bb/*.mat", "silhouettes that the boxes come from", True),
            Needed("metadata.xml", "cameras: in the code release (Release-v1.1.zip), metadata.xml", True),
            Needed(
                "images/*.jpg|S*/*/*.jpg|S*/images/*/*.jpg|S*/Videos/*.mp4",
                "pictures, or 'Videos' of each subject to take them from (--extract)",
            ),
        ),
        ("h36m_train", "h36m_valid_p1", "h36m_valid_p2"),
    ),
    DataSet(
        "mpi_inf_3dhp", "MPI-INF-3DHP", "training mixture; evaluation", "2D, 3D; SPIN's multi-view fits",
        "non-commercial research", "https://vcai.mpi-inf.mpg.de/3dhp-dataset", False,
        (
            Needed("S*/Seq*/annot.mat|mpi_inf_3dhp_test_set/TS*/annot_data.mat|TS*/annot_data.mat", "labels"),
            Needed("S*/Seq*/camera.calibration", "cameras of the training sequences", True),
            Needed(
                "S*/Seq*/imageFrames/*/*.jpg|S*/Seq*/imageSequence/*.avi|mpi_inf_3dhp_test_set/TS*/imageSequence/*.jpg"
                "|TS*/imageSequence/*.jpg",
                "pictures, or the videos to take them from (--extract)",
            ),
        ),
        ("mpi_inf_3dhp_train", "mpi_inf_3dhp_test"),
    ),
    DataSet(
        "lsp", "Leeds Sports Pose", "training mixture; segmentation", "2D (14 joints); masks by UPi-S1h",
        "none stated: research use", "http://sam.johnson.io/research/lsp.html", False,
        (
            Needed("joints.mat", "joints: at the top of lsp_dataset.zip or lsp_dataset_original.zip"),
            Needed("images/im*.jpg", "pictures"),
            Needed(
                "upi-s1h/data/lsp/im*_segmentation.png|data/lsp/im*_segmentation.png",
                "UPi-S1h's masks: http://files.is.tuebingen.mpg.de/classner/up", True,
            ),
        ),
        ("lsp_train", "lsp_test"),
    ),
    DataSet(
        "lspet", "LSP-Extended (HR-LSPET)", "training mixture", "2D (14 joints)",
        "none stated: research use", "http://sam.johnson.io/research/lspet.html", False,
        (
            Needed("joints.mat", "joints: at the top of the zip"),
            Needed("im*.png|images/im*.jpg|images/im*.png", "pictures"),
        ),
        ("lspet_train",),
    ),
    DataSet(
        "mpii", "MPII Human Pose", "training mixture", "2D (16 joints)",
        "non-commercial research", "http://human-pose.mpi-inf.mpg.de", False,
        (
            Needed(
                "data/train.h5|train.h5|train.json|annotations/train.json|annot/train.json",
                "labels: train.h5 of the stacked hourglass code, or train.json of HRNet",
            ),
            Needed("images/*.jpg|*.jpg", "pictures: mpii_human_pose_v1.tar.gz"),
        ),
        ("mpii_train",),
    ),
    DataSet(
        "coco", "COCO keypoints", "training mixture; keypoint AP", "2D (17 joints)",
        "annotations CC BY 4.0; pictures as on Flickr", "https://cocodataset.org/#download", False,
        (
            Needed(
                "annotations/person_keypoints_train2014.json|annotations/person_keypoints_val2014.json"
                "|annotations/person_keypoints_train2017.json|annotations/person_keypoints_val2017.json",
                "labels: annotations_trainval2014.zip",
            ),
            Needed("train2014/*.jpg|val2014/*.jpg|train2017/*.jpg|val2017/*.jpg", "train2014.zip, val2014.zip"),
        ),
        ("coco_train", "coco_train_all", "coco_val"),
    ),
    DataSet(
        "3dpw", "3D Poses in the Wild", "evaluation", "pose and shape, gendered; detected 2D",
        "non-commercial research", "https://virtualhumans.mpi-inf.mpg.de/3DPW", True,
        (
            Needed("sequenceFiles/*/*.pkl", "labels: sequenceFiles.zip"),
            Needed("imageFiles/*/*.jpg", "pictures: imageFiles.zip"),
        ),
        ("3dpw_test", "3dpw_train", "3dpw_validation"),
    ),
    DataSet(
        "3doh50k", "3DOH50K", "evaluation", "2D, 3D, pose and shape",
        "non-commercial research", "https://www.yangangwang.com (3DOH50K)", True,
        (
            Needed("testset/annots.json|trainset/annots.json", "labels"),
            Needed("testset/images/*|trainset/images/*", "pictures"),
        ),
        ("3doh50k_test", "3doh50k_train"),
    ),
    DataSet(
        "ssp3d", "SSP-3D", "evaluation", "pose and shape, gendered; silhouettes, 2D",
        "MIT (repository); pictures of Sports-1M", "https://github.com/akashsengupta1997/SSP-3D (ssp_3d.zip)", False,
        (
            Needed("labels.npz", "labels: in ssp_3d.zip"),
            Needed("images/*", "pictures: in ssp_3d.zip"),
            Needed("silhouettes/*", "silhouettes: in ssp_3d.zip"),
        ),
        ("ssp3d_test",),
    ),
    DataSet(
        "eft", "EFT fits", "pseudo-labels of the EFT variant", "pose and shape for COCO, MPII, LSP-Extended",
        "CC BY-NC 4.0", "https://github.com/facebookresearch/eft", False,
        (Needed("**/*ver01.json", "fits, such as COCO2014-Part-ver01.json"),),
        ("coco_part_eft", "coco_all_eft", "coco_val_eft", "mpii_eft", "lspet_eft"),
    ),
    DataSet(
        "spin_fits", "SPIN's fits", "pseudo-labels of the mixture", "pose and shape for the five 2D sets",
        "non-commercial research", "https://github.com/nkolot/SPIN (fetch_data.sh, 'Final fits')", False,
        (Needed("**/*_fits.npy|**/*_fits.npz|**/lspet.npz|**/mpii.npz|**/coco.npz", "static or final fits"),),
    ),
    DataSet(
        "smpl", "SMPL and its joint regressors", "the body of all labels", "-",
        "non-commercial research", "https://smpl.is.tue.mpg.de and https://smplify.is.tue.mpg.de", True,
        (
            Needed("SMPL_NEUTRAL.pkl|SMPL_NEUTRAL.npz", "neutral body: basicModel_neutral_lbs_10_207_0_v1.0.0.pkl"),
            Needed("SMPL_MALE.pkl|SMPL_MALE.npz", "male body: basicmodel_m_lbs_10_207_0_v1.0.0.pkl", True),
            Needed("SMPL_FEMALE.pkl|SMPL_FEMALE.npz", "female: basicModel_f_lbs_10_207_0_v1.0.0.pkl", True),
            Needed("J_regressor_extra.npy", "nine more joints: SPIN's data.tar.gz"),
            Needed("J_regressor_h36m.npy", "Human3.6M's joints: SPIN's data.tar.gz"),
        ),
    ),
)  # fmt: skip
BY_NAME: Mapping[str, DataSet] = {one.name: one for one in DATA_SETS}

COUNTS: Mapping[str, Count] = {
    "h36m_train": Count(312_188, "missing subjects or sequences, or frames that --extract has not taken yet"),
    "h36m_valid_p2": Count(26_859, "missing sequences; protocol 2 takes the frontal camera 60457274 alone"),
    "mpi_inf_3dhp_train": Count(96_507, "missing sequences or pictures; every tenth frame is counted over all of them"),
    "lsp_train": Count(1_000, "missing pictures"),
    "lsp_test": Count(1_000, "missing pictures"),
    "lspet_train": Count(9_428, "the set of 2011 has 10,000 pictures, the one in high resolution 572 less; or a part"),
    "mpii_train": Count(14_810, "another file of labels, or part of it; only people with all 16 joints count"),
    "coco_train": Count(28_344, "another year than 2014, or part of it; SPIN keeps crowds, here they are left out"),
    "coco_val": Count(50_197, "another year than 2014, or part of it; people with any keypoint count"),
    "3dpw_test": Count(35_515, "missing sequences; frames without a valid camera or a detected joint are left out"),
    "3doh50k_test": Count(1_290, "part of the set"),
    "ssp3d_test": Count(311, "part of the set"),
    "coco_part_eft": Count(28_344, "another version of the fits"),
    "coco_all_eft": Count(79_051, "another version of the fits"),
    "mpii_eft": Count(14_361, "another version of the fits"),
}


def explain_count(stem: str, rows: int) -> str:
    """Return one line about a table's number of rows."""
    expected = COUNTS.get(stem)
    if expected is None:
        return f"{rows:,} rows"
    if rows == expected.rows:
        return f"{rows:,} rows, as in the paper"
    return f"{rows:,} rows; the paper has {expected.rows:,}: {expected.otherwise}"

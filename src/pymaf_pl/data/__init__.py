"""Photographs and labels, one person per sample.

``annotations``   SPIN's table: read, checked, with messages that name file, key and row.
``npz``           what the tables are stored in: mapped columns, nothing that can run.
``catalogue``     every data set: licence, source, files, rows.
``convert``       raw data sets to tables.
``projection``    do 3D labels project onto the 2D ones?
``image_files``   is a picture whole?
``images``        decoding and cropping.
``augment``       flip, rotation, scale and colour noise, for image and labels together.
``dataset``       a table and its images as samples.
``sources``       where tables come from: files of one's own, or our synthetic worlds.
``mixture``       the curriculum: stages, weighted mixing, seeded and resumable order; ``passes`` a source's own.
``packed``        sources whose pictures are in shards; ``packing`` makes them, ``levels`` says what they hold.
``synth``         the synthetic worlds.
"""

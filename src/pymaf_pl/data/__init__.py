"""Photographs and labels, one person per sample.

``annotations``   SPIN's table: read, checked, with messages that name file, key and row.
``images``        decoding and cropping.
``augment``       flip, rotation, scale and colour noise, for image and labels together.
``dataset``       a table and its images as samples.
``sources``       where tables come from: files of one's own, or our synthetic worlds.
``mixture``       the curriculum: stages, weighted mixing, seeded and resumable order.
``synth``         the synthetic worlds.
"""

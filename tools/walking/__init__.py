"""A film of people who walk, with what is true in every frame: to measure following and smoothing by."""

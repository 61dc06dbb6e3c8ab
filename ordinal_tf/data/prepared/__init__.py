"""Prepared data sets: records on disk, written, read and checked."""

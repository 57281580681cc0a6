"""Frames made from nothing: clusters, boxes, ice, slabs."""

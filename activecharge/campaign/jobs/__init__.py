"""Campaigns as jobs of a Ray cluster."""

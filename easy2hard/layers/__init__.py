"""Layers that models and filters are built of."""

"""Backbones: from an image to the feature maps that a pyramid is built on."""

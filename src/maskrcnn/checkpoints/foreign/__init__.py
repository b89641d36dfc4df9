"""Checkpoints of torchvision and detectron2: read without running anything in them, and renamed."""

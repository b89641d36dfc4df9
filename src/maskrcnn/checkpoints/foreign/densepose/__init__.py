"""DensePose's checkpoints: what differs from those of other detectors of detectron2."""

"""YOLO, as Ultralytics writes it."""

"""Why objects are missed and detections false: matched, and traced through the steps of the model."""

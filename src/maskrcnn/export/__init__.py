"""Models as graphs of ONNX in one file, and the proof that the file says what the model says."""

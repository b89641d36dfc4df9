"""Videos, folders of frames, cameras and streams, read frame by frame."""

"""What labelling in the browser asks for: a project of images, its journal, its pictures and its model."""

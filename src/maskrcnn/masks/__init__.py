"""Masks in general: from drawn shapes to pixels, from pixels to outlines and to connected parts."""

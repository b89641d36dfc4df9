"""Graphs whose convolutions and products are computed in 8 bits: what is measured, what is chosen, what is written."""

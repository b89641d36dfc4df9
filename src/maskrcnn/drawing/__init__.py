"""What every picture shares: objects over an image, colours, words, heat, curves and charts."""

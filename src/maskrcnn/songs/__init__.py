"""Songs: their beats and keys, the parts of them that appeal, and mixes of those."""

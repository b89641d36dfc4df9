"""How well objects are followed: HOTA, identities and switches, from the overlaps of each frame, in any D."""

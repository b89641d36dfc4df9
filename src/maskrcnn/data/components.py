import numpy as np


def connected_parts(mask):
    return mask.astype(np.int32)

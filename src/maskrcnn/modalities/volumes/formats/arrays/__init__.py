"""Arrays of voxels in npy and npz."""

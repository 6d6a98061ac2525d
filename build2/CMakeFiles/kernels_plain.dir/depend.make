# Empty dependencies file for kernels_plain.
# This may be replaced when dependencies are built.

"""The published code's arithmetic, quirks included, for parity only.

NumPy versions of the Torch7 and MATLAB functions that the authors released,
checked against golden vectors. Nothing in the package runs them on a hot
path: each has a clean counterpart, which its docstring names along with what
differs. Pixels, bins and joints count from 1 where a name or docstring says
`1-based`, as they do in the original.

Decoding (`getPreds3D`) and the mirrored pass (`flip`, `shuffleLR`) have no
copy here: `ordinal_tf.volumes` computes them exactly.
"""

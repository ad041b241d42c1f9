
7
x0Placeholder*
dtype0*
shape:
7
x1Placeholder*
dtype0*
shape:
N
einsum/EinsumEinsumx0x1*
N*
T0*
equationabc,cde->abde
,
IdentityIdentityeinsum/Einsum*
T0"ª
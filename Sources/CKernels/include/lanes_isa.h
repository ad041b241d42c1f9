// What the machine has of the instruction sets that lane kernels are built for.
#ifndef DL_LANES_ISA_H
#define DL_LANES_ISA_H

// 0: plain C, 1: AVX2 and FMA, 2: AVX-512 F, BW, DQ, VL.
int dl_lanes_isa(void);

#endif

#include "byteproduct.h"

#include <math.h>
#include <string.h>

#pragma clang fp contract(off)

/* Codes have few digits, so that the sum is exact in float64. */
#define FUSED(x, y, z) ((float)((double)(x) * (double)(y) + (double)(z)))
#define NAME(f) f##__scalar
#include "codes_body.h"
#undef NAME
#undef FUSED

#if defined(__x86_64__)
#define FUSED(x, y, z) __builtin_fmaf(x, y, z)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(f) f##__avx2
#include "codes_body.h"
#undef NAME
#pragma clang attribute pop
#endif

#include "common.h"
#if defined(__x86_64__)
#include <immintrin.h>

#define DL_ISA avx512
#define DL_F16C
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl"))),                   \
    apply_to = function)
#include "half_body.h"

#include "math_body.h"

// gelu by table, and what is made of e^x.
#define DL_SEGMENTS
#include "exponentials_avx512.h"
#include "segments_avx512.h"

#include "unary_body.h"
#pragma clang attribute pop
#endif

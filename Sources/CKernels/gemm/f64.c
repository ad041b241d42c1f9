#include "gemm.h"

#define NAME dl_gemm_f64_4x8__scalar
#define T double
#define SCALAR double
#define MR 4
#define NV 2
#define VECTORS 4
#include "generic.inc"

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME dl_gemm_f64_6x8__avx2
#define T double
#define SCALAR double
#define MR 6
#define NV 4
#define VECTORS 2
#include "generic.inc"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#define NAME dl_gemm_f64_14x16__avx512
#define T double
#define SCALAR double
#define MR 14
#define NV 8
#define VECTORS 2
#include "generic.inc"
#pragma clang attribute pop

#endif

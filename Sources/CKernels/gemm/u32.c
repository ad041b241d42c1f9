#include "gemm.h"

#define NAME dl_gemm_u32_4x16__scalar
#define T uint32_t
#define SCALAR int64_t
#define MR 4
#define NV 4
#define VECTORS 4
#include "generic.inc"

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME dl_gemm_u32_6x16__avx2
#define T uint32_t
#define SCALAR int64_t
#define MR 6
#define NV 8
#define VECTORS 2
#include "generic.inc"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#define NAME dl_gemm_u32_14x32__avx512
#define T uint32_t
#define SCALAR int64_t
#define MR 14
#define NV 16
#define VECTORS 2
#include "generic.inc"
#pragma clang attribute pop

#endif

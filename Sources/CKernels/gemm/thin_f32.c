#include "gemm.h"

#include "../lanes/lanes.h"

#define UNROLL _Pragma("clang loop unroll(full)")

#define NAME(f) f##__scalar
#include "thin_body.h"
#undef NAME

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "../lanes/parts_avx2.h"
#define NAME(f) f##__avx2
#include "thin_body.h"
#undef NAME
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#include "../lanes/parts_avx512.h"
#define NAME(f) f##__avx512
#include "thin_body.h"
#undef NAME
#pragma clang attribute pop
#endif

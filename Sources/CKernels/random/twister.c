#include "random.h"

/* Products and sums are rounded one by one on every instruction set. */
#pragma STDC FP_CONTRACT OFF

#define NAME(f) f##__scalar
#include "twister_body.h"
#undef NAME

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(f) f##__avx2
#include "twister_body.h"
#undef NAME
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#define NAME(f) f##__avx512
#include "twister_body.h"
#undef NAME
#pragma clang attribute pop
#endif

#include "../include/softmax.h"
#include "../lanes/lanes.h"

#define NAME(f) f##__scalar
#include "softmax_body.h"
#undef NAME

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "../lanes/parts_avx2.h"
#define NAME(f) f##__avx2
#include "softmax_body.h"
#undef NAME
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#include "../lanes/exp_avx512.h"
#include "../lanes/parts_avx512.h"
#undef FALLING_EXP16
#define FALLING_EXP16(t) ((t) = (v16)dl_falling_exp_avx512((__m512)(t)))
#define NAME(f) f##__avx512
#include "softmax_body.h"
#undef NAME
#pragma clang attribute pop
#else
#define NAME(f) f##__avx2
#include "softmax_body.h"
#undef NAME
#define NAME(f) f##__avx512
#include "softmax_body.h"
#undef NAME
#endif

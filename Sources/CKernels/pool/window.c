#include "../include/pool.h"
#include "../lanes/lanes.h"
#include "../lanes/turn.h"

#define POOL_MAX16(acc, x) MAX16(acc, x)
#define NAME(f) f##__scalar
#include "window_body.h"
#undef NAME

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "../lanes/parts_avx2.h"
#undef TURN_TILES
#define TURN_TILES dl_transpose_x32_8x8__avx2
#define NAME(f) f##__avx2
#include "window_body.h"
#undef NAME
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#include "../lanes/parts_avx512.h"
#undef POOL_MAX16
// The instruction gives its second operand where one is NaN.
static inline __attribute__((always_inline)) v16 larger(v16 acc, v16 x) {
  const __m512 v = (__m512)x;
  return (v16)_mm512_mask_max_ps(v, _mm512_cmp_ps_mask(v, v, _CMP_ORD_Q), v, (__m512)acc);
}
#define POOL_MAX16(acc, x) larger(acc, x)
#define NAME(f) f##__avx512
#include "window_body.h"
#undef NAME
#pragma clang attribute pop
#else
#define NAME(f) f##__avx2
#include "window_body.h"
#undef NAME
#define NAME(f) f##__avx512
#include "window_body.h"
#undef NAME
#endif

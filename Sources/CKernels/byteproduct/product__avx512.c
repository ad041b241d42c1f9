#include "byteproduct.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#include "product_finish_avx512.h"

static inline __attribute__((always_inline)) __m512i broadcast4(const char *p) {
  __m512i r;
  __asm__ volatile("vpbroadcastd %1, %0" : "=v"(r) : "m"(*(const int32_t *)p));
  return r;
}
#define VEC __m512i
#define LANES 16
#define NR 64
#define ZERO() _mm512_setzero_si512()
#define LOAD(p) _mm512_loadu_si512(p)
#define STORE(p, v) _mm512_storeu_si512(p, v)
#define BROADCAST(p) broadcast4(p)
#define ADD(x, y) _mm512_add_epi32(x, y)
#define DOT(s, x, w) _mm512_add_epi32(s, _mm512_madd_epi16(x, w))
#define TILE tile_s16
#include "product_body.h"
#include "product_run_avx512.h"

DL_BYTEPRODUCT_BLOCK(dl_byteproduct_s16_6x64__avx512) {
  run_blocks(m, n, depth / 2, 0, a, a_row_bytes, b, e);
}
#pragma clang attribute pop
#endif

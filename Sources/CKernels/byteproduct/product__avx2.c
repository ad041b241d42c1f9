#include "byteproduct.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "product_finish.h"

static inline __attribute__((always_inline)) __m256i broadcast4(const char *p) {
  __m256i r;
  __asm__ volatile("vpbroadcastd %1, %0" : "=x"(r) : "m"(*(const int32_t *)p));
  return r;
}
#define VEC __m256i
#define LANES 8
#define NR 16
#define ZERO() _mm256_setzero_si256()
#define LOAD(p) _mm256_loadu_si256((const __m256i *)(p))
#define STORE(p, v) _mm256_storeu_si256((__m256i *)(p), v)
#define BROADCAST(p) broadcast4(p)
#define ADD(x, y) _mm256_add_epi32(x, y)
#define DOT(s, x, w) _mm256_add_epi32(s, _mm256_madd_epi16(x, w))
#define TILE tile_s16
#include "product_body.h"

DL_BYTEPRODUCT_BLOCK(dl_byteproduct_s16_6x16__avx2) {
  int32_t sums[6 * 64] __attribute__((aligned(64)));
  const intptr_t groups = depth / 2, tail = 0, lda = a_row_bytes;
  const char *panel = b, *rows = a;
  for (intptr_t j = 0; j < n; j += 16, panel += groups * 64) {
    const intptr_t width = n - j < 16 ? n - j : 16;
    const int32_t *start = e->start + j;
    for (intptr_t i = 0; i < m; i += 6) {
      const intptr_t count = m - i < 6 ? m - i : 6;
      const char *a = rows + i * lda, *b = panel;
      switch (count) { FEW_ROWS(2) }
      finish(count, width, i, j, sums, e);
    }
  }
}
#pragma clang attribute pop
#endif

#include "gemm.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))

// The lanes below n (n from 0 to 8) of a vector of 8.
INLINE __m256i lanes_below(intptr_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

INLINE __m256 load(const int EDGE, const float *p, __m256i mask) {
  return EDGE ? _mm256_maskload_ps(p, mask) : _mm256_loadu_ps(p);
}

INLINE void store(const int EDGE, __m256 v, float *c, __m256i mask, intptr_t n, intptr_t row,
                  intptr_t column, const dl_gemm_epilogue *e) {
  if (e->final) {
    if (e->alpha != 1)
      v = _mm256_mul_ps(v, _mm256_set1_ps((float)e->alpha));
    if (e->addend) {
      const float *p = (const float *)e->addend + row * e->addend_row + column * e->addend_column;
      __m256 x;
      if (e->addend_column == 0) {
        x = _mm256_set1_ps(*p);
      } else if (e->addend_column == 1) {
        x = load(EDGE, p, mask);
      } else {
        float lanes[8] = {0};
        for (int i = 0; i < 8 && i < n; i++)
          lanes[i] = p[i * e->addend_column];
        x = _mm256_loadu_ps(lanes);
      }
      v = e->beta == 1 ? _mm256_add_ps(v, x)
                       : _mm256_fmadd_ps(_mm256_set1_ps((float)e->beta), x, v);
    }
    if (e->clip) {
      // The second operand is the result where either is NaN.
      v = _mm256_max_ps(_mm256_set1_ps((float)e->low), v);
      v = _mm256_min_ps(_mm256_set1_ps((float)e->high), v);
    }
  }
  if (EDGE)
    _mm256_maskstore_ps(c, mask, v);
  else
    _mm256_storeu_ps(c, v);
}

// The function and the residual of a tile that lies in memory.
__attribute__((noinline)) static void finish(intptr_t m, intptr_t n, float *c, intptr_t ldc,
                                             const dl_gemm_epilogue *e) {
  for (intptr_t i = 0; i < m; i++, c += ldc) {
    if (e->function)
      e->function(c, c, (size_t)n, e->parameters);
    if (e->residual) {
      const float *from = (const float *)e->residual + i * e->residual_row;
      for (intptr_t j = 0; j < n; j++)
        c[j] += from[j];
    }
  }
}

INLINE void tile(const int M, const int EDGE, intptr_t n, intptr_t k, const float *a,
                 intptr_t a_row, intptr_t a_step, const float *b, intptr_t ldb, float *c,
                 intptr_t ldc, const dl_gemm_epilogue *e) {
  const intptr_t n0 = n < 8 ? n : 8, n1 = n - n0;
  const __m256i mask0 = lanes_below(n0), mask1 = lanes_below(n1);
  __m256 sum[6][2];
  UNROLL for (int i = 0; i < M; i++) {
    sum[i][0] = sum[i][1] = _mm256_setzero_ps();
    if (e->accumulate) {
      sum[i][0] = load(EDGE, c + i * ldc, mask0);
      sum[i][1] = load(EDGE, c + i * ldc + 8, mask1);
    }
  }
  // Distances of rows, kept apart so that addresses need no registers of their own.
  intptr_t r1 = a_row, r3 = a_row * 3, r5 = a_row * 5;
  __asm__("" : "+r"(r1), "+r"(r3), "+r"(r5));
  for (intptr_t p = 0; p < k; p++) {
    __asm__ volatile("" ::: "memory");
    __m256 b0 = load(EDGE, b, mask0), b1 = load(EDGE, b + 8, mask1);
#define ROW(i, distance)                                                                           \
  if (M > i) {                                                                                     \
    __m256 x = _mm256_broadcast_ss(a + (distance));                                                \
    sum[i][0] = _mm256_fmadd_ps(x, b0, sum[i][0]);                                                 \
    sum[i][1] = _mm256_fmadd_ps(x, b1, sum[i][1]);                                                 \
  }
    ROW(0, 0)
    ROW(1, r1)
    ROW(2, 2 * r1)
    ROW(3, r3)
    ROW(4, 4 * r1)
    ROW(5, r5)
#undef ROW
    a += a_step;
    b += ldb;
  }
  UNROLL for (int i = 0; i < M; i++) {
    store(EDGE, sum[i][0], c + i * ldc, mask0, n0, i, 0, e);
    if (!EDGE || n1 > 0)
      store(EDGE, sum[i][1], c + i * ldc + 8, mask1, n1, i, 8, e);
  }
  if (e->final && (e->function || e->residual))
    finish(M, n, c, ldc, e);
}

DL_GEMM_TILE(dl_gemm_f32_6x16__avx2) {
#define CASE(M)                                                                                    \
  case M:                                                                                          \
    if (n == 16)                                                                                   \
      tile(M, 0, 16, k, a, a_row, a_step, b, ldb, c, ldc, e);                                      \
    else                                                                                           \
      tile(M, 1, n, k, a, a_row, a_step, b, ldb, c, ldc, e);                                       \
    break;
  switch (m) { CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) }
#undef CASE
}

#pragma clang attribute pop
#endif

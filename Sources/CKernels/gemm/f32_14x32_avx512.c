#include "gemm.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))

enum { NR = 32, PREFETCH_ROWS = 32 };

// Written as assembly so that the broadcast stays where it is: 14 x 2 accumulators leave three
// registers, and hoisted broadcasts would spill.
INLINE __m512 broadcast(const float *p) {
  __m512 r;
  __asm__ volatile("vbroadcastss %1, %0" : "=v"(r) : "m"(*p));
  return r;
}

INLINE void store(__m512 v, float *c, __mmask16 mask, intptr_t row, intptr_t column,
                  const dl_gemm_epilogue *e) {
  if (e->accumulate)
    v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(mask, c));
  if (e->final) {
    if (e->alpha != 1)
      v = _mm512_mul_ps(v, _mm512_set1_ps((float)e->alpha));
    if (e->addend) {
      const float *p = (const float *)e->addend + row * e->addend_row + column * e->addend_column;
      __m512 x;
      if (e->addend_column == 0) {
        x = _mm512_set1_ps(*p);
      } else if (e->addend_column == 1) {
        x = _mm512_maskz_loadu_ps(mask, p);
      } else {
        float lanes[16] = {0};
        for (int i = 0; i < 16 && mask >> i & 1; i++)
          lanes[i] = p[i * e->addend_column];
        x = _mm512_loadu_ps(lanes);
      }
      v = e->beta == 1 ? _mm512_add_ps(v, x)
                       : _mm512_fmadd_ps(_mm512_set1_ps((float)e->beta), x, v);
    }
    if (e->clip) {
      // The second operand is the result where either is NaN.
      v = _mm512_max_ps(_mm512_set1_ps((float)e->low), v);
      v = _mm512_min_ps(_mm512_set1_ps((float)e->high), v);
    }
  }
  _mm512_mask_storeu_ps(c, mask, v);
}

INLINE void tile(const int M, __mmask16 mask0, __mmask16 mask1, intptr_t k, const float *a,
                 const float *b, intptr_t ldb, float *c, intptr_t ldc, const dl_gemm_epilogue *e) {
  __m512 sum[14][2];
  UNROLL for (int i = 0; i < M; i++) sum[i][0] = sum[i][1] = _mm512_setzero_ps();
  for (intptr_t p = 0; p < k; p++) {
    __asm__ volatile("" ::: "memory");
    __m512 b0 = _mm512_maskz_loadu_ps(mask0, b);
    __m512 b1 = _mm512_maskz_loadu_ps(mask1, b + 16);
    // A prefetch never faults, so it may run ahead of the panel.
    const char *ahead = (const char *)((uintptr_t)b + (uintptr_t)(PREFETCH_ROWS * ldb) * 4);
    _mm_prefetch(ahead, _MM_HINT_T0);
    _mm_prefetch(ahead + 64, _MM_HINT_T0);
    UNROLL for (int i = 0; i < M; i++) {
      __m512 x = broadcast(a + i);
      sum[i][0] = _mm512_fmadd_ps(x, b0, sum[i][0]);
      sum[i][1] = _mm512_fmadd_ps(x, b1, sum[i][1]);
    }
    a += M;
    b += ldb;
  }
  UNROLL for (int i = 0; i < M; i++) {
    store(sum[i][0], c + i * ldc, mask0, i, 0, e);
    if (mask1)
      store(sum[i][1], c + i * ldc + 16, mask1, i, 16, e);
  }
}

// Few rows leave too few chains of additions to hide their latency: four rows of B at a time.
INLINE void few(const int M, __mmask16 mask0, __mmask16 mask1, intptr_t k, const float *a,
                const float *b, intptr_t ldb, float *c, intptr_t ldc, const dl_gemm_epilogue *e) {
  __m512 sum[4][3][2];
  UNROLL for (int u = 0; u < 4; u++) UNROLL for (int i = 0; i < M; i++) {
    sum[u][i][0] = sum[u][i][1] = _mm512_setzero_ps();
  }
  intptr_t p = 0;
  for (; p + 4 <= k; p += 4) {
    UNROLL for (int u = 0; u < 4; u++) {
      const float *row = b + u * ldb;
      __m512 b0 = _mm512_maskz_loadu_ps(mask0, row);
      __m512 b1 = _mm512_maskz_loadu_ps(mask1, row + 16);
      const char *ahead = (const char *)((uintptr_t)row + (uintptr_t)(PREFETCH_ROWS * ldb) * 4);
      _mm_prefetch(ahead, _MM_HINT_T0);
      _mm_prefetch(ahead + 64, _MM_HINT_T0);
      UNROLL for (int i = 0; i < M; i++) {
        __m512 x = _mm512_set1_ps(a[u * M + i]);
        sum[u][i][0] = _mm512_fmadd_ps(x, b0, sum[u][i][0]);
        sum[u][i][1] = _mm512_fmadd_ps(x, b1, sum[u][i][1]);
      }
    }
    a += 4 * M;
    b += 4 * ldb;
  }
  for (; p < k; p++, a += M, b += ldb) {
    __m512 b0 = _mm512_maskz_loadu_ps(mask0, b);
    __m512 b1 = _mm512_maskz_loadu_ps(mask1, b + 16);
    UNROLL for (int i = 0; i < M; i++) {
      __m512 x = _mm512_set1_ps(a[i]);
      sum[0][i][0] = _mm512_fmadd_ps(x, b0, sum[0][i][0]);
      sum[0][i][1] = _mm512_fmadd_ps(x, b1, sum[0][i][1]);
    }
  }
  UNROLL for (int i = 0; i < M; i++) {
    UNROLL for (int j = 0; j < 2; j++) {
      __m512 v = _mm512_add_ps(_mm512_add_ps(sum[0][i][j], sum[1][i][j]),
                               _mm512_add_ps(sum[2][i][j], sum[3][i][j]));
      if (j == 0 || mask1)
        store(v, c + i * ldc + 16 * j, j ? mask1 : mask0, i, 16 * j, e);
    }
  }
}

DL_GEMM_TILE(dl_gemm_f32_14x32__avx512) {
  __mmask16 mask0 = n >= 16 ? 0xFFFF : (__mmask16)((1u << n) - 1);
  __mmask16 mask1 = n >= 32 ? 0xFFFF : n > 16 ? (__mmask16)((1u << (n - 16)) - 1) : 0;
#define FEW(M)                                                                                     \
  case M:                                                                                          \
    few(M, mask0, mask1, k, a, b, ldb, c, ldc, e);                                                 \
    break;
#define CASE(M)                                                                                    \
  case M:                                                                                          \
    tile(M, mask0, mask1, k, a, b, ldb, c, ldc, e);                                                \
    break;
  switch (m) {
    FEW(1)
    FEW(2)
    FEW(3)
    CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)
  }
#undef CASE
#undef FEW
}

#pragma clang attribute pop
#endif

#include "gemm.h"

// Products of few rows with a packed factor: rows are read where they lie, each sum in one chain in
// the order of its terms, as in the tiles, so that a row's bits do not depend on its neighbours.

#if defined(__x86_64__)
#include <immintrin.h>
#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)

// M rows of V vectors of 16 columns from column j on, a multiple of 16.
INLINE void rows_512(const int M, const int V, intptr_t n, intptr_t k, const float *a, intptr_t lda,
                     const float *b, float *c, intptr_t ldc, const float *bias, intptr_t j,
                     const dl_gemm_epilogue *e) {
  const float *panel[V];
  __m512 sum[M][V];
  UNROLL for (int v = 0; v < V; v++) {
    const intptr_t at = j + 16 * v;
    panel[v] = b + at / 64 * 64 * k + at % 64;
    UNROLL for (int i = 0; i < M; i++) sum[i][v] = _mm512_setzero_ps();
  }
  for (intptr_t p = 0; p < k; p++) {
    __m512 w[V];
    UNROLL for (int v = 0; v < V; v++) w[v] = _mm512_loadu_ps(panel[v] + 64 * p);
    UNROLL for (int i = 0; i < M; i++) {
      const __m512 x = _mm512_set1_ps(a[i * lda + p]);
      UNROLL for (int v = 0; v < V; v++) sum[i][v] = _mm512_fmadd_ps(x, w[v], sum[i][v]);
    }
  }
  UNROLL for (int v = 0; v < V; v++) {
    const intptr_t at = j + 16 * v, left = n - at;
    const __mmask16 mask = left >= 16 ? 0xFFFF : (__mmask16)((1u << left) - 1);
    const __m512 add = bias ? _mm512_maskz_loadu_ps(mask, bias + at) : _mm512_setzero_ps();
    UNROLL for (int i = 0; i < M; i++) {
      __m512 y = sum[i][v];
      if (bias)
        y = _mm512_add_ps(y, add);
      if (e->clip) {
        // The second operand is the result where either is NaN.
        y = _mm512_max_ps(_mm512_set1_ps((float)e->low), y);
        y = _mm512_min_ps(_mm512_set1_ps((float)e->high), y);
      }
      if (left >= 16)
        _mm512_storeu_ps(c + i * ldc + at, y);
      else
        _mm512_mask_storeu_ps(c + i * ldc + at, mask, y);
    }
  }
}

// All columns of M rows: one row has up to 8 vectors at once, to hide the latency of its chains.
INLINE void strip_512(const int M, intptr_t n, intptr_t k, const float *a, intptr_t lda,
                      const float *b, float *c, intptr_t ldc, const float *bias,
                      const dl_gemm_epilogue *e) {
  intptr_t j = 0;
  if (M <= 2)
    for (; n - j > 112; j += 128)
      rows_512(M, 8, n, k, a, lda, b, c, ldc, bias, j, e);
  for (; n - j > 48; j += 64)
    rows_512(M, 4, n, k, a, lda, b, c, ldc, bias, j, e);
  if (n - j > 32) {
    rows_512(M, 3, n, k, a, lda, b, c, ldc, bias, j, e);
    return;
  }
  if (n - j > 16)
    rows_512(M, 2, n, k, a, lda, b, c, ldc, bias, j, e);
  else if (n > j)
    rows_512(M, 1, n, k, a, lda, b, c, ldc, bias, j, e);
}

void dl_gemm_f32_rows__avx512(intptr_t m, intptr_t n, intptr_t k, const float *a, intptr_t lda,
                              const float *b, float *c, intptr_t ldc, const float *bias,
                              const dl_gemm_epilogue *e) {
  const intptr_t strips = (m + 5) / 6;
  for (intptr_t s = 0; s < strips; s++) {
    const intptr_t r0 = s * m / strips, rows = (s + 1) * m / strips - r0;
    const float *x = a + r0 * lda;
    float *y = c + r0 * ldc;
    switch (rows) {
#define CASE(M)                                                                                    \
  case M:                                                                                          \
    strip_512(M, n, k, x, lda, b, y, ldc, bias, e);                                                \
    break;
      CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#undef CASE
    }
  }
}
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

INLINE void rows_256(const int M, const int V, intptr_t n, intptr_t k, const float *a, intptr_t lda,
                     const float *b, float *c, intptr_t ldc, const float *bias, intptr_t j,
                     const dl_gemm_epilogue *e) {
  const float *panel[V];
  __m256 sum[M][V];
  UNROLL for (int v = 0; v < V; v++) {
    const intptr_t at = j + 8 * v;
    panel[v] = b + at / 16 * 16 * k + at % 16;
    UNROLL for (int i = 0; i < M; i++) sum[i][v] = _mm256_setzero_ps();
  }
  for (intptr_t p = 0; p < k; p++) {
    __m256 w[V];
    UNROLL for (int v = 0; v < V; v++) w[v] = _mm256_loadu_ps(panel[v] + 16 * p);
    UNROLL for (int i = 0; i < M; i++) {
      const __m256 x = _mm256_broadcast_ss(a + i * lda + p);
      UNROLL for (int v = 0; v < V; v++) sum[i][v] = _mm256_fmadd_ps(x, w[v], sum[i][v]);
    }
  }
  UNROLL for (int v = 0; v < V; v++) {
    const intptr_t at = j + 8 * v;
    if (at >= n)
      break;
    const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(n - at < 8 ? n - at : 8)),
                                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    const __m256 add = bias ? _mm256_maskload_ps(bias + at, mask) : _mm256_setzero_ps();
    UNROLL for (int i = 0; i < M; i++) {
      __m256 y = sum[i][v];
      if (bias)
        y = _mm256_add_ps(y, add);
      if (e->clip) {
        y = _mm256_max_ps(_mm256_set1_ps((float)e->low), y);
        y = _mm256_min_ps(_mm256_set1_ps((float)e->high), y);
      }
      if (n - at >= 8)
        _mm256_storeu_ps(c + i * ldc + at, y);
      else
        _mm256_maskstore_ps(c + i * ldc + at, mask, y);
    }
  }
}

INLINE void strip_256(const int M, intptr_t n, intptr_t k, const float *a, intptr_t lda,
                      const float *b, float *c, intptr_t ldc, const float *bias,
                      const dl_gemm_epilogue *e) {
  intptr_t j = 0;
  if (M == 1)
    for (; n - j > 48; j += 64)
      rows_256(M, 8, n, k, a, lda, b, c, ldc, bias, j, e);
  for (; j < n; j += 16)
    rows_256(M, 2, n, k, a, lda, b, c, ldc, bias, j, e);
}

void dl_gemm_f32_rows__avx2(intptr_t m, intptr_t n, intptr_t k, const float *a, intptr_t lda,
                            const float *b, float *c, intptr_t ldc, const float *bias,
                            const dl_gemm_epilogue *e) {
  const intptr_t strips = (m + 4) / 5;
  for (intptr_t s = 0; s < strips; s++) {
    const intptr_t r0 = s * m / strips, rows = (s + 1) * m / strips - r0;
    const float *x = a + r0 * lda;
    float *y = c + r0 * ldc;
    switch (rows) {
#define CASE(M)                                                                                    \
  case M:                                                                                          \
    strip_256(M, n, k, x, lda, b, y, ldc, bias, e);                                                \
    break;
      CASE(1) CASE(2) CASE(3) CASE(4) CASE(5)
#undef CASE
    }
  }
}
#pragma clang attribute pop
#endif

#include "gemm.h"

#include "../lanes/lanes.h"
#include <string.h>

// One row at a time through the accumulators of `step` columns. The portable form of the others.
static inline __attribute__((always_inline)) void
finish(intptr_t n, const float *sum, float *c, intptr_t column, const dl_gemm_epilogue *e) {
  for (intptr_t j = 0; j < n; j++) {
    float v = sum[j];
    if (e->final) {
      v *= (float)e->alpha;
      if (e->addend)
        v += (float)e->beta * ((const float *)e->addend)[(column + j) * e->addend_column];
      if (e->clip) {
        v = v < (float)e->low ? (float)e->low : v;
        v = v > (float)e->high ? (float)e->high : v;
      }
    }
    c[j] = v;
  }
  if (e->final && e->function)
    e->function(c, c, (size_t)n, e->parameters);
  if (e->final && e->residual)
    for (intptr_t j = 0; j < n; j++)
      c[j] += ((const float *)e->residual)[column + j];
}

enum { COLUMNS = 16, WIDE = 4096, ROWS = 8 };

void dl_gemv_f32_rows__scalar(intptr_t n, intptr_t k, const float *a, const float *b, intptr_t ldb,
                              float *c, const dl_gemm_epilogue *e) {
  for (intptr_t j = 0; j < n; j += COLUMNS) {
    const intptr_t width = n - j < COLUMNS ? n - j : COLUMNS;
    float sum[COLUMNS] = {0};
    for (intptr_t p = 0; p < k; p++)
      for (intptr_t i = 0; i < width; i++)
        sum[i] += a[p] * b[p * ldb + j + i];
    finish(width, sum, c + j, j, e);
  }
}

#if defined(__x86_64__)
#include <immintrin.h>
#define UNROLL _Pragma("clang loop unroll(full)")

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(f) f##__avx2
#include "wide_body.h"
#undef NAME

void dl_gemv_f32_rows__avx2(intptr_t n, intptr_t k, const float *a, const float *b, intptr_t ldb,
                            float *c, const dl_gemm_epilogue *e) {
  for (intptr_t j = 0; j < n; j += 64) {
    const intptr_t width = n - j < 64 ? n - j : 64;
    __m256 sum[8];
    UNROLL for (int v = 0; v < 8; v++) sum[v] = _mm256_setzero_ps();
    if (width == 64) {
      for (intptr_t p = 0; p < k; p++) {
        const float *row = b + p * ldb + j;
        const __m256 x = _mm256_broadcast_ss(a + p);
        UNROLL for (int v = 0; v < 8; v++) sum[v] =
            _mm256_fmadd_ps(x, _mm256_loadu_ps(row + 8 * v), sum[v]);
      }
    } else {
      __m256i mask[8];
      UNROLL for (int v = 0; v < 8; v++) mask[v] = _mm256_cmpgt_epi32(
          _mm256_set1_epi32((int)width - 8 * v), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
      for (intptr_t p = 0; p < k; p++) {
        const float *row = b + p * ldb + j;
        const __m256 x = _mm256_broadcast_ss(a + p);
        for (int v = 0; v < 8; v++)
          sum[v] = _mm256_fmadd_ps(x, _mm256_maskload_ps(row + 8 * v, mask[v]), sum[v]);
      }
    }
    float out[64];
    UNROLL for (int v = 0; v < 8; v++) _mm256_storeu_ps(out + 8 * v, sum[v]);
    finish(width, out, c + j, j, e);
  }
}
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#define NAME(f) f##__avx512
#include "wide_body.h"
#undef NAME

void dl_gemv_f32_rows__avx512(intptr_t n, intptr_t k, const float *a, const float *b, intptr_t ldb,
                              float *c, const dl_gemm_epilogue *e) {
  for (intptr_t j = 0; j < n; j += 128) {
    const intptr_t width = n - j < 128 ? n - j : 128;
    __m512 sum[8];
    __mmask16 mask[8];
    UNROLL for (int v = 0; v < 8; v++) {
      const intptr_t left = width - 16 * v;
      mask[v] = left >= 16 ? 0xFFFF : left > 0 ? (__mmask16)((1u << left) - 1) : 0;
      sum[v] = _mm512_setzero_ps();
    }
    for (intptr_t p = 0; p < k; p++) {
      const float *row = b + p * ldb + j;
      const __m512 x = _mm512_set1_ps(a[p]);
      UNROLL for (int v = 0; v < 8; v++) {
        sum[v] = _mm512_fmadd_ps(x, _mm512_maskz_loadu_ps(mask[v], row + 16 * v), sum[v]);
      }
    }
    float out[128];
    UNROLL for (int v = 0; v < 8; v++) _mm512_storeu_ps(out + 16 * v, sum[v]);
    finish(width, out, c + j, j, e);
  }
}
#pragma clang attribute pop
#endif

#include "byteproduct.h"
#include <math.h>

void dl_softmax_f32_bytes__scalar(float *x, intptr_t rows, intptr_t n, float scale, float low,
                                  float high, int32_t zero, uint8_t *y) {
  for (intptr_t r = 0; r < rows; r++, x += n, y += n) {
    float top = -INFINITY, sum = 0;
    for (intptr_t i = 0; i < n; i++)
      top = x[i] > top || isnan(x[i]) ? x[i] : top;
    for (intptr_t i = 0; i < n; i++) {
      x[i] = expf(x[i] - top);
      sum += x[i];
    }
    const float factor = 1 / (sum * scale);
    for (intptr_t i = 0; i < n; i++) {
      float q = x[i] * factor;
      q = q > low ? q : low;
      q = q < high ? q : high;
      y[i] = (uint8_t)((int32_t)rintf(q) + zero);
    }
  }
}

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#include "../lanes/exp_avx512.h"

static inline __mmask16 left(intptr_t n) { return n >= 16 ? 0xFFFF : (__mmask16)((1u << n) - 1); }

void dl_softmax_f32_bytes__avx512(float *x, intptr_t rows, intptr_t n, float scale, float low,
                                  float high, int32_t zero, uint8_t *y) {
  const __m512 none = _mm512_set1_ps(-INFINITY);
  const __m512 lower = _mm512_set1_ps(low), upper = _mm512_set1_ps(high);
  const __m512i shift = _mm512_set1_epi32(zero);
  for (intptr_t r = 0; r < rows; r++, x += n, y += n) {
    __m512 top = none, sum = _mm512_setzero_ps();
    for (intptr_t i = 0; i < n; i += 16)
      top = _mm512_max_ps(_mm512_mask_loadu_ps(none, left(n - i), x + i), top);
    top = _mm512_set1_ps(_mm512_reduce_max_ps(top));
    // A NaN is left out of the maximum and comes back in the sum.
    for (intptr_t i = 0; i < n; i += 16) {
      const __mmask16 mask = left(n - i);
      const __m512 t = _mm512_sub_ps(_mm512_mask_loadu_ps(none, mask, x + i), top);
      const __m512 e = dl_falling_exp_avx512(t);
      _mm512_mask_storeu_ps(x + i, mask, e);
      sum = _mm512_mask_add_ps(sum, mask, sum, e);
    }
    const __m512 factor = _mm512_set1_ps(1 / (_mm512_reduce_add_ps(sum) * scale));
    for (intptr_t i = 0; i < n; i += 16) {
      const __mmask16 mask = left(n - i);
      __m512 q = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), factor);
      q = _mm512_min_ps(_mm512_max_ps(q, lower), upper);
      const __m512i code = _mm512_add_epi32(_mm512_cvtps_epi32(q), shift);
      _mm_mask_storeu_epi8(y + i, mask, _mm512_cvtepi32_epi8(code));
    }
  }
}
#pragma clang attribute pop
#endif

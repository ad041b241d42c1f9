#include "../include/softmax.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#include "../lanes/exp_avx512.h"

#define INLINE static inline __attribute__((always_inline))

INLINE __m512 row_part(const float *x, ptrdiff_t left, float rest, __mmask16 *mask) {
  *mask = left >= 16 ? 0xFFFF : (__mmask16)((1u << left) - 1);
  return _mm512_mask_loadu_ps(_mm512_set1_ps(rest), *mask, x);
}

// The largest element; NaN where there is one.
INLINE float row_top(const float *x, ptrdiff_t n) {
  const float none = -__builtin_inff();
  __m512 top = _mm512_set1_ps(none);
  __mmask16 bad = 0, mask;
  for (ptrdiff_t i = 0; i < n; i += 16) {
    const __m512 v = row_part(x + i, n - i, none, &mask);
    bad |= _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    top = _mm512_max_ps(top, v);
  }
  return bad ? __builtin_nanf("") : _mm512_reduce_max_ps(top);
}

// Sums of float lanes over this many elements at a time, their totals in double.
enum { BLOCK = 4096 };

void dl_log_totals_f32__avx512(const float *x, ptrdiff_t rows, ptrdiff_t n, float *tops,
                               float *logs) {
  for (ptrdiff_t r = 0; r < rows; r++, x += n) {
    const float top = row_top(x, n);
    double total = 0;
    __mmask16 mask;
    for (ptrdiff_t b = 0; b < n; b += BLOCK) {
      const ptrdiff_t end = n - b < BLOCK ? n : b + BLOCK;
      __m512 sum = _mm512_setzero_ps();
      for (ptrdiff_t i = b; i < end; i += 16) {
        const __m512 v = row_part(x + i, n - i, 0, &mask);
        const __m512 e = dl_falling_exp_avx512(_mm512_sub_ps(v, _mm512_set1_ps(top)));
        sum = _mm512_mask_add_ps(sum, mask, sum, e);
      }
      total += (double)_mm512_reduce_add_ps(sum);
    }
    tops[r] = top;
    logs[r] = (float)__builtin_log(total);
  }
}

void dl_softmax_scaled_f32__avx512(const float *x, ptrdiff_t rows, ptrdiff_t n, const float *rates,
                                   float *y) {
  for (ptrdiff_t r = 0; r < rows; r++, x += n, y += n) {
    if (rates[r] == 0) {
      memset(y, 0, (size_t)n * sizeof(float));
      continue;
    }
    const float top = row_top(x, n);
    double total = 0;
    __mmask16 mask;
    for (ptrdiff_t b = 0; b < n; b += BLOCK) {
      const ptrdiff_t end = n - b < BLOCK ? n : b + BLOCK;
      __m512 sum = _mm512_setzero_ps();
      for (ptrdiff_t i = b; i < end; i += 16) {
        const __m512 v = row_part(x + i, n - i, 0, &mask);
        const __m512 e = dl_falling_exp_avx512(_mm512_sub_ps(v, _mm512_set1_ps(top)));
        sum = _mm512_mask_add_ps(sum, mask, sum, e);
        _mm512_mask_storeu_ps(y + i, mask, e);
      }
      total += (double)_mm512_reduce_add_ps(sum);
    }
    const __m512 scale = _mm512_set1_ps((float)(rates[r] / total));
    for (ptrdiff_t i = 0; i < n; i += 16) {
      const __m512 e = row_part(y + i, n - i, 0, &mask);
      _mm512_mask_storeu_ps(y + i, mask, _mm512_mul_ps(e, scale));
    }
  }
}
#pragma clang attribute pop
#endif

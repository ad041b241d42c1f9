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
static inline __mmask16 left(intptr_t n) { return n >= 16 ? 0xFFFF : (__mmask16)((1u << n) - 1); }

// 2^y for y <= 0 within 1e-5, which is far below what a code tells apart; 2^-126 for less, NaN
// stays.
static inline __attribute__((always_inline)) __m512 power(__m512 y) {
  // The second operand is the result where either is NaN.
  y = _mm512_max_ps(_mm512_set1_ps(-126), y);
  const __m512 k = _mm512_roundscale_ps(y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 f = _mm512_sub_ps(y, k);
  // Powers of log 2 over factorials, the last ones moved for -1/2 to 1/2.
  __m512 p = _mm512_set1_ps(1.3400114e-3f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.6161266e-3f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.5503271e-2f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.4022648e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.9314720e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
  return _mm512_scalef_ps(p, k);
}

// R rows at once, so that none waits for what is summed over another.
static inline __attribute__((always_inline)) void softmax_rows(const int R, float *x, intptr_t n,
                                                               float scale, float low, float high,
                                                               int32_t zero, uint8_t *y) {
#define EACH _Pragma("clang loop unroll(full)") for (int r = 0; r < R; r++)
  const __m512 turn = _mm512_set1_ps(1.44269504f), none = _mm512_set1_ps(-INFINITY);
  const intptr_t whole = n & ~(intptr_t)15;
  const __mmask16 mask = left(n - whole);
  __m512 top[4], sum[4];
  EACH top[r] = none;
  for (intptr_t i = 0; i < whole; i += 16)
    EACH top[r] = _mm512_max_ps(_mm512_loadu_ps(x + r * n + i), top[r]);
  EACH {
    top[r] = _mm512_max_ps(_mm512_mask_loadu_ps(none, mask, x + r * n + whole), top[r]);
    top[r] = _mm512_set1_ps(-1.44269504f * _mm512_reduce_max_ps(top[r]));
    sum[r] = _mm512_setzero_ps();
  }
  // A NaN is left out of the maximum and comes back in the sum.
  for (intptr_t i = 0; i < whole; i += 16)
    EACH {
      const __m512 e = power(_mm512_fmadd_ps(_mm512_loadu_ps(x + r * n + i), turn, top[r]));
      _mm512_storeu_ps(x + r * n + i, e);
      sum[r] = _mm512_add_ps(sum[r], e);
    }
  __m512 factor[4];
  EACH {
    const __m512 t = _mm512_maskz_loadu_ps(mask, x + r * n + whole);
    const __m512 e = power(_mm512_fmadd_ps(t, turn, top[r]));
    _mm512_mask_storeu_ps(x + r * n + whole, mask, e);
    sum[r] = _mm512_mask_add_ps(sum[r], mask, sum[r], e);
    factor[r] = _mm512_set1_ps(1 / (_mm512_reduce_add_ps(sum[r]) * scale));
  }
  const __m512 lower = _mm512_set1_ps(low), upper = _mm512_set1_ps(high);
  const __m512i shift = _mm512_set1_epi16((int16_t)zero), byte = _mm512_set1_epi16(0xFF);
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  for (intptr_t i = 0; i < n; i += 64) {
    const int isWhole = i + 64 <= n;
    EACH {
      __m512i c[4];
#pragma clang loop unroll(full)
      for (int j = 0; j < 4; j++) {
        const intptr_t rest = n - i - 16 * j;
        const float *from = x + r * n + i + 16 * j;
        const __m512 t = isWhole ? _mm512_loadu_ps(from)
                                 : _mm512_maskz_loadu_ps(rest > 0 ? left(rest) : 0, from);
        const __m512 q = _mm512_mul_ps(t, factor[r]);
        c[j] = _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(q, lower), upper));
      }
      // Sums of code and zero point fit 16 bits, and their low bytes are the codes' bits.
      const __m512i l = _mm512_add_epi16(_mm512_packs_epi32(c[0], c[1]), shift);
      const __m512i h = _mm512_add_epi16(_mm512_packs_epi32(c[2], c[3]), shift);
      const __m512i all = _mm512_packus_epi16(_mm512_and_si512(l, byte), _mm512_and_si512(h, byte));
      const __m512i codes = _mm512_permutexvar_epi32(order, all);
      if (isWhole)
        _mm512_storeu_si512(y + r * n + i, codes);
      else
        _mm512_mask_storeu_epi8(y + r * n + i, ((__mmask64)1 << (n - i)) - 1, codes);
    }
  }
#undef EACH
}

void dl_softmax_f32_bytes__avx512(float *x, intptr_t rows, intptr_t n, float scale, float low,
                                  float high, int32_t zero, uint8_t *y) {
  intptr_t r = 0;
  for (; r + 4 <= rows; r += 4)
    softmax_rows(4, x + r * n, n, scale, low, high, zero, y + r * n);
  for (; r < rows; r++)
    softmax_rows(1, x + r * n, n, scale, low, high, zero, y + r * n);
}
#pragma clang attribute pop
#endif

#include "byteproduct.h"
#include <math.h>

void dl_quantize_f32_bytes__scalar(intptr_t n, const float *x, float scale, float low, float high,
                                   int32_t zero, uint8_t *y) {
  for (intptr_t i = 0; i < n; i++) {
    float q = x[i] / scale;
    q = q > low ? q : low;
    q = q < high ? q : high;
    y[i] = (uint8_t)((int32_t)rintf(q) + zero);
  }
}

void dl_dequantize_bytes_f32__scalar(intptr_t n, const uint8_t *x, int32_t is_signed, int32_t zero,
                                     float scale, float *y) {
  for (intptr_t i = 0; i < n; i++)
    y[i] = (float)((is_signed ? (int8_t)x[i] : x[i]) - zero) * scale;
}

void dl_range_f32__scalar(intptr_t n, const float *x, float *range) {
  for (intptr_t i = 0; i < n; i++) {
    range[0] = x[i] < range[0] ? x[i] : range[0];
    range[1] = x[i] > range[1] ? x[i] : range[1];
  }
}

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)

static inline __mmask16 left(intptr_t n) { return n >= 16 ? 0xFFFF : (__mmask16)((1u << n) - 1); }

// Four times 16 codes less the zero point, from products with the reciprocal or from quotients.
static inline __attribute__((always_inline)) __mmask16
codes64(const __m512 v[4], int divides, __m512 by, float low, float high, __m512i c[4]) {
  // Within the range of codes a unit in the last place is at most 2^-16; a product is within three
  // of the quotient.
  const __m512 limit = _mm512_set1_ps(0.5f - 1.2e-4f);
  __mmask16 near = 0;
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) {
    const __m512 t = divides ? _mm512_div_ps(v[j], by) : _mm512_mul_ps(v[j], by);
    // The second operand is the result where the first is NaN.
    const __m512 q = _mm512_min_ps(_mm512_max_ps(t, _mm512_set1_ps(low)), _mm512_set1_ps(high));
    c[j] = _mm512_cvtps_epi32(q);
    const __m512 rest = _mm512_abs_ps(_mm512_sub_ps(q, _mm512_cvtepi32_ps(c[j])));
    near |= _mm512_cmp_ps_mask(rest, limit, _CMP_GT_OQ);
  }
  return near;
}

// A product with the reciprocal and the quotient round to the same integer unless the product lies
// very close to a half; then it is divided.
void dl_quantize_f32_bytes__avx512(intptr_t n, const float *x, float scale, float low, float high,
                                   int32_t zero, uint8_t *y) {
  const float reciprocal = 1 / scale;
  // Where the reciprocal is not an ordinary number all is divided.
  const int divides = !(reciprocal > 1e-30f && reciprocal < 1e30f);
  const __m512 s = _mm512_set1_ps(scale), factor = _mm512_set1_ps(reciprocal);
  const __m512i shift = _mm512_set1_epi16((int16_t)zero), byte = _mm512_set1_epi16(0xFF);
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  for (intptr_t i = 0; i < n; i += 64) {
    __m512 v[4];
    __m512i c[4];
    if (i + 64 <= n) {
      for (int j = 0; j < 4; j++)
        v[j] = _mm512_loadu_ps(x + i + 16 * j);
    } else {
      for (int j = 0; j < 4; j++) {
        const intptr_t rest = n - i - 16 * j;
        v[j] = _mm512_maskz_loadu_ps(rest > 0 ? left(rest) : 0, x + i + 16 * j);
      }
    }
    if (divides || codes64(v, 0, factor, low, high, c))
      codes64(v, 1, s, low, high, c);
    // Sums of code and zero point fit 16 bits, and their low bytes are the codes' bits.
    const __m512i l = _mm512_add_epi16(_mm512_packs_epi32(c[0], c[1]), shift);
    const __m512i h = _mm512_add_epi16(_mm512_packs_epi32(c[2], c[3]), shift);
    const __m512i all = _mm512_packus_epi16(_mm512_and_si512(l, byte), _mm512_and_si512(h, byte));
    const __m512i codes = _mm512_permutexvar_epi32(order, all);
    if (i + 64 <= n)
      _mm512_storeu_si512(y + i, codes);
    else
      _mm512_mask_storeu_epi8(y + i, ((__mmask64)1 << (n - i)) - 1, codes);
  }
}

void dl_dequantize_bytes_f32__avx512(intptr_t n, const uint8_t *x, int32_t is_signed, int32_t zero,
                                     float scale, float *y) {
  const __m512i shift = _mm512_set1_epi32(zero);
  const __m512 s = _mm512_set1_ps(scale);
  for (intptr_t i = 0; i < n; i += 16) {
    const __mmask16 mask = left(n - i);
    const __m128i code = _mm_maskz_loadu_epi8(mask, x + i);
    const __m512i wide = is_signed ? _mm512_cvtepi8_epi32(code) : _mm512_cvtepu8_epi32(code);
    const __m512 v = _mm512_cvtepi32_ps(_mm512_sub_epi32(wide, shift));
    _mm512_mask_storeu_ps(y + i, mask, _mm512_mul_ps(v, s));
  }
}

void dl_range_f32__avx512(intptr_t n, const float *x, float *range) {
  __m512 low[4], high[4];
  for (int j = 0; j < 4; j++) {
    low[j] = _mm512_set1_ps(range[0]);
    high[j] = _mm512_set1_ps(range[1]);
  }
  intptr_t i = 0;
  // The second operand is the result where the first is NaN.
  for (; i + 64 <= n; i += 64)
    for (int j = 0; j < 4; j++) {
      const __m512 v = _mm512_loadu_ps(x + i + 16 * j);
      low[j] = _mm512_min_ps(v, low[j]);
      high[j] = _mm512_max_ps(v, high[j]);
    }
  for (; i < n; i += 16) {
    const __mmask16 mask = left(n - i);
    const __m512 v = _mm512_maskz_loadu_ps(mask, x + i);
    low[0] = _mm512_mask_min_ps(low[0], mask, v, low[0]);
    high[0] = _mm512_mask_max_ps(high[0], mask, v, high[0]);
  }
  for (int j = 1; j < 4; j++) {
    low[0] = _mm512_min_ps(low[0], low[j]);
    high[0] = _mm512_max_ps(high[0], high[j]);
  }
  range[0] = _mm512_reduce_min_ps(low[0]);
  range[1] = _mm512_reduce_max_ps(high[0]);
}
#pragma clang attribute pop
#endif

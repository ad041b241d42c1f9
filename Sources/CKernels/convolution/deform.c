#include "convolution.h"

#include <math.h>

#pragma clang fp contract(off)

#define PLACES(NAME)                                                                               \
  void NAME(const dl_deform_row *r, intptr_t n, const float *down, const float *right,             \
            const float *mask, intptr_t tile, int32_t *places, float *weights) {                   \
    const double high = (double)r->input[0], wide = (double)r->input[1];                           \
    const int32_t width = (int32_t)r->input[1];                                                    \
    for (intptr_t i = 0; i < n; i++) {                                                             \
      const double y = (double)r->start[0] + (double)down[i];                                      \
      const double x = (double)(r->start[1] + i * r->stride) + (double)right[i];                   \
      const float factor = mask ? mask[i] : 1.0f;                                                  \
      /* NaN is not inside. */                                                                     \
      const int inside = (y > -1) & (y < high) & (x > -1) & (x < wide);                            \
      const double v = inside ? y : 0, u = inside ? x : 0;                                         \
      const double top = __builtin_floor(v), left = __builtin_floor(u);                            \
      const double fy = v - top, fx = u - left;                                                    \
      const int32_t row = (int32_t)top, column = (int32_t)left;                                    \
      const int above = inside & (row >= 0), below = inside & (row + 1 < (int32_t)r->input[0]);    \
      const int before = column >= 0, after = column + 1 < width;                                  \
      const int32_t place = row * width + column;                                                  \
      const int a = above & before, b = below & before, c = above & after, d = below & after;      \
      places[i] = a ? place : 0;                                                                   \
      places[tile + i] = b ? place + width : 0;                                                    \
      places[2 * tile + i] = c ? place + 1 : 0;                                                    \
      places[3 * tile + i] = d ? place + width + 1 : 0;                                            \
      weights[i] = a ? (float)((1 - fy) * (1 - fx)) * factor : 0.0f;                               \
      weights[tile + i] = b ? (float)(fy * (1 - fx)) * factor : 0.0f;                              \
      weights[2 * tile + i] = c ? (float)((1 - fy) * fx) * factor : 0.0f;                          \
      weights[3 * tile + i] = d ? (float)(fy * fx) * factor : 0.0f;                                \
      const int32_t corners = a | b << 1 | c << 2 | d << 3;                                        \
      places[4 * tile + i] = corners;                                                              \
    }                                                                                              \
  }

PLACES(dl_deform_places_f32__scalar)

static inline float part(int has, float weight, float x) { return has ? weight * x : 0.0f; }

void dl_deform_sums_f32__scalar(intptr_t n, intptr_t channels, const float *x, intptr_t plane,
                                intptr_t tile, const int32_t *places, const float *weights,
                                float *y, intptr_t step) {
  for (intptr_t c = 0; c < channels; c++, x += plane, y += step)
    for (intptr_t i = 0; i < n; i++) {
      const int32_t has = places[4 * tile + i];
      const float near = part(has & 1, weights[i], x[places[i]]) +
                         part(has & 2, weights[tile + i], x[places[tile + i]]);
      y[i] = near + part(has & 4, weights[2 * tile + i], x[places[2 * tile + i]]) +
             part(has & 8, weights[3 * tile + i], x[places[3 * tile + i]]);
    }
}

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
PLACES(dl_deform_places_f32__avx512)

void dl_deform_sums_f32__avx512(intptr_t n, intptr_t channels, const float *x, intptr_t plane,
                                intptr_t tile, const int32_t *places, const float *weights,
                                float *y, intptr_t step) {
  const __m512 none = _mm512_setzero_ps();
  for (intptr_t i = 0; i < n; i += 16) {
    const __mmask16 k = n - i >= 16 ? 0xFFFF : (__mmask16)((1u << (n - i)) - 1);
    const __m512i corners = _mm512_maskz_loadu_epi32(k, places + 4 * tile + i);
    __m512i at[4];
    __m512 w[4];
    __mmask16 has[4];
    for (int j = 0; j < 4; j++) {
      at[j] = _mm512_maskz_loadu_epi32(k, places + j * tile + i);
      w[j] = _mm512_maskz_loadu_ps(k, weights + j * tile + i);
      has[j] = _mm512_test_epi32_mask(corners, _mm512_set1_epi32(1 << j));
    }
    const float *from = x;
    float *to = y + i;
    for (intptr_t c = 0; c < channels; c++, from += plane, to += step) {
      __m512 v[4];
      for (int j = 0; j < 4; j++)
        v[j] = _mm512_mul_ps(w[j], _mm512_mask_i32gather_ps(none, has[j], at[j], from, 4));
      const __m512 near = _mm512_add_ps(v[0], v[1]);
      _mm512_mask_storeu_ps(to, k, _mm512_add_ps(_mm512_add_ps(near, v[2]), v[3]));
    }
  }
}
#pragma clang attribute pop
#endif

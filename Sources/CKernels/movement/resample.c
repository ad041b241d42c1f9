#include "movement.h"

/* One body, compiled for each instruction set: the loops over t vectorise as they stand. */
#define RESAMPLE(NAME, T)                                                                          \
  void NAME(T *restrict target, const T *restrict source, const int32_t *indices,                  \
            const T *weights, int64_t count, int64_t taps, int64_t inner) {                        \
    for (int64_t j = 0; j < count; j++) {                                                          \
      const int32_t *at = indices + j * taps;                                                      \
      const T *w = weights + j * taps;                                                             \
      T *y = target + j * inner;                                                                   \
      if (inner == 1) {                                                                            \
        T sum = 0;                                                                                 \
        for (int64_t k = 0; k < taps; k++)                                                         \
          sum += w[k] * source[at[k]];                                                             \
        y[0] = sum;                                                                                \
      } else if (taps == 2) {                                                                      \
        const T *a = source + at[0] * inner, *b = source + at[1] * inner;                          \
        T u = w[0], v = w[1];                                                                      \
        for (int64_t t = 0; t < inner; t++)                                                        \
          y[t] = u * a[t] + v * b[t];                                                              \
      } else {                                                                                     \
        for (int64_t t = 0; t < inner; t++)                                                        \
          y[t] = 0;                                                                                \
        for (int64_t k = 0; k < taps; k++) {                                                       \
          const T *a = source + at[k] * inner;                                                     \
          T u = w[k];                                                                              \
          for (int64_t t = 0; t < inner; t++)                                                      \
            y[t] += u * a[t];                                                                      \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
  }

RESAMPLE(dl_resample_f32__scalar, float)
RESAMPLE(dl_resample_f64__scalar, double)

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
RESAMPLE(dl_resample_f32__avx2, float)
RESAMPLE(dl_resample_f64__avx2, double)
#pragma clang attribute pop
#else
RESAMPLE(dl_resample_f32__avx2, float)
RESAMPLE(dl_resample_f64__avx2, double)
#endif

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
static inline __mmask16 first(int64_t n) {
  return n >= 16 ? 0xFFFF : n <= 0 ? 0 : (__mmask16)((1u << n) - 1);
}

// Of 16 results the elements at `places` of 32, or of 64.
#define RESAMPLE_ROWS(NAMED, WIDE)                                                                 \
  static void NAMED(float *target, const float *source, int64_t rows, int64_t from, int64_t to,    \
                    int64_t taps, const int32_t *starts, const int32_t *indices,                   \
                    const float *weights) {                                                        \
    for (int64_t r = 0; r < rows; r++, source += from, target += to)                               \
      for (int64_t j = 0, at = 0; j < to; j += 16) {                                               \
        const int64_t start = starts[j / 16], left = from - start;                                 \
        const float *x = source + start;                                                           \
        const __m512 a = _mm512_maskz_loadu_ps(first(left), x);                                    \
        const __m512 b = _mm512_maskz_loadu_ps(first(left - 16), x + 16);                          \
        const __m512 c = WIDE ? _mm512_maskz_loadu_ps(first(left - 32), x + 32) : a;               \
        const __m512 d = WIDE ? _mm512_maskz_loadu_ps(first(left - 48), x + 48) : b;               \
        __m512 sum = _mm512_setzero_ps();                                                          \
        for (int64_t k = 0; k < taps; k++, at += 16) {                                             \
          const __m512i places = _mm512_loadu_si512(indices + at);                                 \
          __m512 v = _mm512_permutex2var_ps(a, places, b);                                         \
          if (WIDE)                                                                                \
            v = _mm512_mask_mov_ps(v, _mm512_test_epi32_mask(places, _mm512_set1_epi32(32)),       \
                                   _mm512_permutex2var_ps(c, places, d));                          \
          sum = _mm512_add_ps(sum, _mm512_mul_ps(_mm512_loadu_ps(weights + at), v));               \
        }                                                                                          \
        _mm512_mask_storeu_ps(target + j, first(to - j), sum);                                     \
      }                                                                                            \
  }
RESAMPLE_ROWS(near_rows, 0)
RESAMPLE_ROWS(far_rows, 1)

void dl_resample_rows_f32__avx512(float *target, const float *source, int64_t rows, int64_t from,
                                  int64_t to, int64_t taps, int wide, const int32_t *starts,
                                  const int32_t *indices, const float *weights) {
  (wide ? far_rows : near_rows)(target, source, rows, from, to, taps, starts, indices, weights);
}
#pragma clang attribute pop
#endif

#include "movement.h"

/* One body, compiled for each instruction set: the loops over t vectorise as they stand. */
#define RESAMPLE(NAME)                                                                             \
  void NAME(float *restrict target, const float *restrict source, const int32_t *indices,          \
            const float *weights, int64_t count, int64_t taps, int64_t inner) {                    \
    for (int64_t j = 0; j < count; j++) {                                                          \
      const int32_t *at = indices + j * taps;                                                      \
      const float *w = weights + j * taps;                                                         \
      float *y = target + j * inner;                                                               \
      if (inner == 1) {                                                                            \
        float sum = 0;                                                                             \
        for (int64_t k = 0; k < taps; k++)                                                         \
          sum += w[k] * source[at[k]];                                                             \
        y[0] = sum;                                                                                \
      } else if (taps == 2) {                                                                      \
        const float *a = source + at[0] * inner, *b = source + at[1] * inner;                      \
        float u = w[0], v = w[1];                                                                  \
        for (int64_t t = 0; t < inner; t++)                                                        \
          y[t] = u * a[t] + v * b[t];                                                              \
      } else {                                                                                     \
        for (int64_t t = 0; t < inner; t++)                                                        \
          y[t] = 0;                                                                                \
        for (int64_t k = 0; k < taps; k++) {                                                       \
          const float *a = source + at[k] * inner;                                                 \
          float u = w[k];                                                                          \
          for (int64_t t = 0; t < inner; t++)                                                      \
            y[t] += u * a[t];                                                                      \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
  }

RESAMPLE(dl_resample_f32__scalar)

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
RESAMPLE(dl_resample_f32__avx2)
#pragma clang attribute pop
#else
RESAMPLE(dl_resample_f32__avx2)
#endif

#include "boxes.h"

#include <string.h>

typedef float lanes __attribute__((vector_size(64)));
typedef int32_t marks __attribute__((vector_size(64)));

#define POOL_REGION(NAME)                                                                          \
  void NAME(const float *pixels, int64_t row_step, const dl_region_axis *down, int64_t rows,       \
            const dl_region_axis *across, int64_t columns, float *sums) {                          \
    for (int64_t i = 0; i < rows; i++) {                                                           \
      for (int64_t j = 0; j < columns; j++) {                                                      \
        lanes sum = {0};                                                                           \
        for (int32_t r = down->starts[i]; r < down->starts[i + 1]; r++) {                          \
          const float *row = pixels + down->places[r] * row_step;                                  \
          lanes part = {0};                                                                        \
          for (int32_t c = across->starts[j]; c < across->starts[j + 1]; c++) {                    \
            lanes x;                                                                               \
            memcpy(&x, row + across->places[c] * 16, sizeof x);                                    \
            part += across->weights[c] * x;                                                        \
          }                                                                                        \
          sum += down->weights[r] * part;                                                          \
        }                                                                                          \
        memcpy(sums + (i * columns + j) * 16, &sum, sizeof sum);                                   \
      }                                                                                            \
    }                                                                                              \
  }

// A pixel of weight 0 counts as 0, whatever it holds.
#define PEAK_REGION(NAME)                                                                          \
  void NAME(const float *pixels, int64_t row_step, const dl_region_axis *down, int64_t rows,       \
            const dl_region_axis *across, int64_t columns, float *peaks) {                         \
    for (int64_t i = 0; i < rows; i++) {                                                           \
      for (int64_t j = 0; j < columns; j++) {                                                      \
        const int32_t top = down->starts[i], left = across->starts[j];                             \
        lanes peak = {0};                                                                          \
        if (top < down->starts[i + 1] && left < across->starts[j + 1])                             \
          peak -= __builtin_inff();                                                                \
        for (int32_t r = top; r < down->starts[i + 1]; r++) {                                      \
          const float *row = pixels + down->places[r] * row_step;                                  \
          for (int32_t c = left; c < across->starts[j + 1]; c++) {                                 \
            const float weight = down->weights[r] * across->weights[c];                            \
            lanes x = {0};                                                                         \
            if (weight != 0) {                                                                     \
              memcpy(&x, row + across->places[c] * 16, sizeof x);                                  \
              x *= weight;                                                                         \
            }                                                                                      \
            const marks wins = x > peak;                                                           \
            peak = (lanes)((wins & (marks)x) | (~wins & (marks)peak));                             \
          }                                                                                        \
        }                                                                                          \
        memcpy(peaks + (i * columns + j) * 16, &peak, sizeof peak);                                \
      }                                                                                            \
    }                                                                                              \
  }

POOL_REGION(dl_pool_region__scalar)
PEAK_REGION(dl_peak_region__scalar)

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
POOL_REGION(dl_pool_region__avx2)
PEAK_REGION(dl_peak_region__avx2)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
POOL_REGION(dl_pool_region__avx512)
PEAK_REGION(dl_peak_region__avx512)
#pragma clang attribute pop
#else
void dl_pool_region__avx2(const float *pixels, int64_t row_step, const dl_region_axis *down,
                          int64_t rows, const dl_region_axis *across, int64_t columns,
                          float *sums) {
  dl_pool_region__scalar(pixels, row_step, down, rows, across, columns, sums);
}
void dl_pool_region__avx512(const float *pixels, int64_t row_step, const dl_region_axis *down,
                            int64_t rows, const dl_region_axis *across, int64_t columns,
                            float *sums) {
  dl_pool_region__scalar(pixels, row_step, down, rows, across, columns, sums);
}
void dl_peak_region__avx2(const float *pixels, int64_t row_step, const dl_region_axis *down,
                          int64_t rows, const dl_region_axis *across, int64_t columns,
                          float *peaks) {
  dl_peak_region__scalar(pixels, row_step, down, rows, across, columns, peaks);
}
void dl_peak_region__avx512(const float *pixels, int64_t row_step, const dl_region_axis *down,
                            int64_t rows, const dl_region_axis *across, int64_t columns,
                            float *peaks) {
  dl_peak_region__scalar(pixels, row_step, down, rows, across, columns, peaks);
}
#endif

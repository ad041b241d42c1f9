#include "convolution.h"
#include "range.h"

/* Places `offset` + j * stride of a row get from[j], for j from `first` to `end`. */
#define ADD_LINE(row, offset, stride, from, first, end)                                            \
  for (intptr_t j = (first); j < (end); j++)                                                       \
  (row)[(offset) + j * (stride)] += (from)[j]

#define ADD_NEXT(T, row, from, n)                                                                  \
  for (intptr_t j = 0; j < (n); j++)                                                               \
  (row)[j] += (from)[j]

#if defined(__x86_64__)
#include <immintrin.h>
/* Lines are short: their ends take one vector, too. Vectors of 32 bytes seldom cross cache lines.
 */
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl"))), apply_to = function)
static inline void add_float(float *row, const float *from, intptr_t n) {
  intptr_t j = 0;
  for (; j + 8 <= n; j += 8)
    _mm256_storeu_ps(row + j, _mm256_add_ps(_mm256_loadu_ps(row + j), _mm256_loadu_ps(from + j)));
  if (j < n) {
    const __mmask8 k = (__mmask8)((1u << (n - j)) - 1);
    _mm256_mask_storeu_ps(
        row + j, k,
        _mm256_add_ps(_mm256_maskz_loadu_ps(k, row + j), _mm256_maskz_loadu_ps(k, from + j)));
  }
}
static inline void add_double(double *row, const double *from, intptr_t n) {
  intptr_t j = 0;
  for (; j + 4 <= n; j += 4)
    _mm256_storeu_pd(row + j, _mm256_add_pd(_mm256_loadu_pd(row + j), _mm256_loadu_pd(from + j)));
  if (j < n) {
    const __mmask8 k = (__mmask8)((1u << (n - j)) - 1);
    _mm256_mask_storeu_pd(
        row + j, k,
        _mm256_add_pd(_mm256_maskz_loadu_pd(k, row + j), _mm256_maskz_loadu_pd(k, from + j)));
  }
}
#pragma clang attribute pop
#define ADD_WIDE(T, row, from, n) add_##T(row, from, n)
#endif

/* Whether every place has one tap of one pixel. */
static int has_one_each(const dl_window *w) {
  for (int i = 0; i < 3; i++)
    if (w->kernel[i] != w->stride[i] || (w->dilation[i] != 1 && w->kernel[i] > 1) || w->pad[i] ||
        w->input[i] != w->output[i] * w->stride[i])
      return 0;
  return 1;
}

#define PLACE(NAME, T)                                                                             \
  static void NAME##_placed(T *y, const T *columns, T bias, const dl_window *w) {                  \
    const intptr_t pixels = w->output[0] * w->output[1] * w->output[2];                            \
    const intptr_t s = w->stride[2], n = w->output[2];                                             \
    for (intptr_t d = 0; d < w->input[0]; d++)                                                     \
      for (intptr_t h = 0; h < w->input[1]; h++) {                                                 \
        T *restrict row = y + (d * w->input[1] + h) * w->input[2];                                 \
        const intptr_t a = d % w->stride[0], b = h % w->stride[1];                                 \
        const T *from = columns + (a * w->stride[1] + b) * s * pixels +                            \
                        (d / w->stride[0] * w->output[1] + h / w->stride[1]) * n;                  \
        if (s == 2) {                                                                              \
          for (intptr_t j = 0; j < n; j++) {                                                       \
            row[2 * j] = bias + from[j];                                                           \
            row[2 * j + 1] = bias + from[pixels + j];                                              \
          }                                                                                        \
          continue;                                                                                \
        }                                                                                          \
        for (intptr_t c = 0; c < s; c++)                                                           \
          for (intptr_t j = 0; j < n; j++)                                                         \
            row[j * s + c] = bias + from[c * pixels + j];                                          \
      }                                                                                            \
  }

#define COL2IM(NAME, T, ADD)                                                                       \
  PLACE(NAME, T)                                                                                   \
  DL_COL2IM(NAME, T) {                                                                             \
    if (has_one_each(w)) {                                                                         \
      NAME##_placed(y, columns, bias, w);                                                          \
      return;                                                                                      \
    }                                                                                              \
    const intptr_t size = w->input[0] * w->input[1] * w->input[2];                                 \
    const intptr_t pixels = w->output[0] * w->output[1] * w->output[2];                            \
    for (intptr_t i = 0; i < size; i++)                                                            \
      y[i] = bias;                                                                                 \
    for (intptr_t a = 0; a < w->kernel[0]; a++)                                                    \
      for (intptr_t b = 0; b < w->kernel[1]; b++)                                                  \
        for (intptr_t c = 0; c < w->kernel[2]; c++, columns += pixels) {                           \
          const intptr_t s = w->stride[2], offset = c * w->dilation[2] - w->pad[2];                \
          const intptr_t first = dl_first_inside(offset, s);                                       \
          const intptr_t end = dl_end_inside(offset, s, w->input[2], w->output[2]);                \
          const intptr_t first1 = dl_first_inside(offset + 1, s);                                  \
          const intptr_t end1 = dl_end_inside(offset + 1, s, w->input[2], w->output[2]);           \
          const intptr_t low = first > first1 ? first : first1;                                    \
          const intptr_t high = end < end1 ? end : end1;                                           \
          /* With stride 2 neighbouring taps fill each other's gaps. */                            \
          const int paired = s == 2 && w->dilation[2] == 1 && c + 1 < w->kernel[2] && low <= high; \
          for (intptr_t od = 0; od < w->output[0]; od++) {                                         \
            const intptr_t d = od * w->stride[0] - w->pad[0] + a * w->dilation[0];                 \
            if (d < 0 || d >= w->input[0])                                                         \
              continue;                                                                            \
            for (intptr_t oh = 0; oh < w->output[1]; oh++) {                                       \
              const intptr_t h = oh * w->stride[1] - w->pad[1] + b * w->dilation[1];               \
              if (h < 0 || h >= w->input[1])                                                       \
                continue;                                                                          \
              T *row = y + (d * w->input[1] + h) * w->input[2];                                    \
              const T *from = columns + (od * w->output[1] + oh) * w->output[2];                   \
              if (s == 1) {                                                                        \
                ADD(T, row + offset + first, from + first, end - first);                           \
              } else if (paired) {                                                                 \
                const T *next = from + pixels;                                                     \
                ADD_LINE(row, offset, 2, from, first, low);                                        \
                ADD_LINE(row, offset + 1, 2, next, first1, low);                                   \
                T *restrict to = row + offset;                                                     \
                for (intptr_t j = low; j < high; j++) {                                            \
                  to[2 * j] += from[j];                                                            \
                  to[2 * j + 1] += next[j];                                                        \
                }                                                                                  \
                ADD_LINE(row, offset, 2, from, high, end);                                         \
                ADD_LINE(row, offset + 1, 2, next, high, end1);                                    \
              } else {                                                                             \
                ADD_LINE(row, offset, s, from, first, end);                                        \
              }                                                                                    \
            }                                                                                      \
          }                                                                                        \
          if (paired)                                                                              \
            c++, columns += pixels;                                                                \
        }                                                                                          \
  }

COL2IM(dl_col2im_f32__scalar, float, ADD_NEXT)
COL2IM(dl_col2im_f64__scalar, double, ADD_NEXT)

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
COL2IM(dl_col2im_f32__avx2, float, ADD_NEXT)
COL2IM(dl_col2im_f64__avx2, double, ADD_NEXT)
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
COL2IM(dl_col2im_f32__avx512, float, ADD_WIDE)
COL2IM(dl_col2im_f64__avx512, double, ADD_WIDE)
#pragma clang attribute pop
#endif

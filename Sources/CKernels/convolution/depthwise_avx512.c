#include "convolution.h"
#include "range.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi2"))),   \
                             apply_to = function)
#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))

enum { LANES = 16, ROWS = 4, MOST_TAPS = 16 };

// What one column of taps reads for 16 outputs of a row: from where, and which lanes.
typedef struct column {
  intptr_t offset;
  __mmask16 low, high;
} column;

INLINE __m512 load(const int S, const float *row, const column *c) {
  const float *p = (const float *)((uintptr_t)row + (uintptr_t)c->offset * 4);
  const __m512 a = _mm512_maskz_loadu_ps(c->low, p);
  if (S == 1)
    return a;
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  return _mm512_permutex2var_ps(a, even, _mm512_maskz_loadu_ps(c->high, p + 16));
}

// ROWS rows of 16 outputs at once, so that their chains of additions overlap.
INLINE void block(const int S, const int R, float *y, const float *x, const float *k, float bias,
                  float low, float high, const dl_window *w, intptr_t od, intptr_t oh,
                  const column *columns, __mmask16 stored) {
  __m512 sum[ROWS];
  UNROLL for (int r = 0; r < R; r++) sum[r] = _mm512_set1_ps(bias);
  for (intptr_t a = 0; a < w->kernel[0]; a++) {
    const intptr_t d = od * w->stride[0] - w->pad[0] + a * w->dilation[0];
    if (d < 0 || d >= w->input[0])
      continue;
    for (intptr_t b = 0; b < w->kernel[1]; b++) {
      const float *taps = k + (a * w->kernel[1] + b) * w->kernel[2];
      const intptr_t h0 = oh * w->stride[1] - w->pad[1] + b * w->dilation[1];
      const intptr_t last = h0 + (R - 1) * w->stride[1];
      const float *plane = x + d * w->input[1] * w->input[2];
      if (h0 >= 0 && last < w->input[1]) {
        const float *row = plane + h0 * w->input[2];
        const intptr_t step = w->stride[1] * w->input[2];
        for (intptr_t c = 0; c < w->kernel[2]; c++) {
          const __m512 tap = _mm512_set1_ps(taps[c]);
          UNROLL for (int r = 0; r < R; r++) sum[r] =
              _mm512_fmadd_ps(tap, load(S, row + r * step, columns + c), sum[r]);
        }
        continue;
      }
      for (intptr_t c = 0; c < w->kernel[2]; c++) {
        const __m512 tap = _mm512_set1_ps(taps[c]);
        UNROLL for (int r = 0; r < R; r++) {
          const intptr_t h = h0 + r * w->stride[1];
          if (h >= 0 && h < w->input[1])
            sum[r] = _mm512_fmadd_ps(tap, load(S, plane + h * w->input[2], columns + c), sum[r]);
        }
      }
    }
  }
  UNROLL for (int r = 0; r < R; r++) {
    // The second operand is the result where either is NaN.
    __m512 v = _mm512_max_ps(_mm512_set1_ps(low), sum[r]);
    v = _mm512_min_ps(_mm512_set1_ps(high), v);
    _mm512_mask_storeu_ps(y + r * w->output[2], stored, v);
  }
}

INLINE void planes(const int S, float *y, const float *x, const float *k, float bias, float low,
                   float high, const dl_window *w) {
  for (intptr_t j = 0; j < w->output[2]; j += LANES) {
    const intptr_t width = w->output[2] - j < LANES ? w->output[2] - j : LANES;
    const __mmask16 stored = (__mmask16)(0xFFFFu >> (LANES - width));
    column columns[MOST_TAPS];
    for (intptr_t c = 0; c < w->kernel[2]; c++) {
      const intptr_t offset = j * S - w->pad[2] + c * w->dilation[2];
      const intptr_t first = dl_first_inside(offset, S);
      const intptr_t end = dl_end_inside(offset, S, w->input[2], width);
      const uint32_t inside = first < end ? (0xFFFFu >> (LANES - (end - first))) << first : 0;
      const uint32_t read = S == 1 ? inside : _pdep_u32(inside, 0x55555555u);
      columns[c] = (column){offset, (__mmask16)read, (__mmask16)(read >> 16)};
    }
    for (intptr_t od = 0; od < w->output[0]; od++) {
      float *out = y + od * w->output[1] * w->output[2] + j;
      intptr_t oh = 0;
      for (; oh + ROWS <= w->output[1]; oh += ROWS)
        block(S, ROWS, out + oh * w->output[2], x, k, bias, low, high, w, od, oh, columns, stored);
      for (; oh < w->output[1]; oh++)
        block(S, 1, out + oh * w->output[2], x, k, bias, low, high, w, od, oh, columns, stored);
    }
  }
}

DL_DEPTHWISE(dl_depthwise_f32__avx512, float) {
  if (w->stride[2] == 1)
    planes(1, y, x, k, bias, low, high, w);
  else
    planes(2, y, x, k, bias, low, high, w);
}
#pragma clang attribute pop
#endif

#include "convolution.h"
#include "range.h"

#include <string.h>

// Pixels of a panel that lie in one row of the output.
typedef struct run {
  intptr_t at;           // first column of the panel
  intptr_t d, h, w, len; // output pixel, and how many follow it
} run;

enum { MOST_RUNS = 64 };

static int find_runs(run *runs, const dl_window *w, intptr_t p0, intptr_t count) {
  int n = 0;
  const intptr_t row = w->output[2];
  for (intptr_t p = p0; p < p0 + count && n < MOST_RUNS;) {
    const intptr_t line = p / row, x = p % row;
    const intptr_t left = p0 + count - p;
    runs[n] =
        (run){p - p0, line / w->output[1], line % w->output[1], x, row - x < left ? row - x : left};
    p += runs[n++].len;
  }
  return n;
}

// Runs a block of code for every stretch of rows of one tap: `tap` coordinates t[3], first channel
// c0, and `rows` rows of the panel from `out`.
#define FOR_TAPS(T, ...)                                                                           \
  const intptr_t plane = w->input[0] * w->input[1] * w->input[2];                                  \
  for (intptr_t k = k0; k < k0 + kc;) {                                                            \
    const intptr_t tap = k / channels, c0 = k % channels;                                          \
    const intptr_t left = k0 + kc - k;                                                             \
    const intptr_t rows = channels - c0 < left ? channels - c0 : left;                             \
    const intptr_t t[3] = {tap / (w->kernel[1] * w->kernel[2]), tap / w->kernel[2] % w->kernel[1], \
                           tap % w->kernel[2]};                                                    \
    const T *source = x + c0 * plane;                                                              \
    T *out = to + (k - k0) * width;                                                                \
    __VA_ARGS__ k += rows;                                                                         \
  }

// The input row that a run reads for a tap, or -1 where it lies outside.
static inline intptr_t input_row(const dl_window *w, const run *r, const intptr_t *t) {
  const intptr_t d = r->d * w->stride[0] - w->pad[0] + t[0] * w->dilation[0];
  const intptr_t h = r->h * w->stride[1] - w->pad[1] + t[1] * w->dilation[1];
  if (d < 0 || d >= w->input[0] || h < 0 || h >= w->input[1])
    return -1;
  return (d * w->input[1] + h) * w->input[2];
}

#define IM2COL(NAME, T)                                                                            \
  DL_IM2COL(NAME, T) {                                                                             \
    run runs[MOST_RUNS];                                                                           \
    const int n = find_runs(runs, w, p0, count);                                                   \
    FOR_TAPS(T, {                                                                                  \
      for (intptr_t i = 0; i < rows && width > count; i++)                                         \
        memset(out + i * width + count, 0, (size_t)(width - count) * sizeof(T));                   \
      for (int q = 0; q < n; q++) {                                                                \
        const run r = runs[q];                                                                     \
        const intptr_t row = input_row(w, &r, t);                                                  \
        const intptr_t s = w->stride[2];                                                           \
        const intptr_t offset = r.w * s - w->pad[2] + t[2] * w->dilation[2];                       \
        intptr_t first = dl_first_inside(offset, s);                                               \
        intptr_t end = dl_end_inside(offset, s, w->input[2], r.len);                               \
        if (row < 0 || first >= end)                                                               \
          first = end = 0;                                                                         \
        for (intptr_t i = 0; i < rows; i++) {                                                      \
          T *o = out + i * width + r.at;                                                           \
          const T *v = source + i * plane + (row < 0 ? 0 : row);                                   \
          for (intptr_t j = 0; j < first; j++)                                                     \
            o[j] = 0;                                                                              \
          for (intptr_t j = first; j < end; j++)                                                   \
            o[j] = v[offset + j * s];                                                              \
          for (intptr_t j = end; j < r.len; j++)                                                   \
            o[j] = 0;                                                                              \
        }                                                                                          \
      }                                                                                            \
    })                                                                                             \
  }

IM2COL(dl_im2col_32__scalar, uint32_t)
IM2COL(dl_im2col_64__scalar, uint64_t)

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi2"))),   \
                             apply_to = function)

// The lanes first..<end, seen from lane `from`, of a vector of 16.
static inline __attribute__((always_inline)) __mmask16 lanes(intptr_t first, intptr_t end,
                                                             intptr_t from) {
  const intptr_t a = first > from ? first - from : 0, b = end - from < 16 ? end - from : 16;
  return a >= b ? 0 : (__mmask16)((0xFFFFu >> (16 - (b - a))) << a);
}

DL_IM2COL(dl_im2col_32__avx512, uint32_t) {
  const intptr_t s = w->stride[2];
  if (s > 2 || width > 32) {
    dl_im2col_32__scalar(to, width, x, w, channels, k0, kc, p0, count);
    return;
  }
  run runs[MOST_RUNS];
  const int n = find_runs(runs, w, p0, count);
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  FOR_TAPS(uint32_t, {
    if (width > count) {
      const __mmask16 m0 = lanes(count, width, 0), m1 = lanes(count, width, 16);
      for (intptr_t i = 0; i < rows; i++) {
        _mm512_mask_storeu_epi32(out + i * width, m0, _mm512_setzero_si512());
        _mm512_mask_storeu_epi32(out + i * width + 16, m1, _mm512_setzero_si512());
      }
    }
    for (int q = 0; q < n; q++) {
      const run r = runs[q];
      const intptr_t row = input_row(w, &r, t);
      const intptr_t offset = r.w * s - w->pad[2] + t[2] * w->dilation[2];
      const intptr_t first = dl_first_inside(offset, s);
      const intptr_t end = row < 0 ? 0 : dl_end_inside(offset, s, w->input[2], r.len);
      for (intptr_t j = 0; j < r.len; j += 16) {
        const __mmask16 stored = lanes(0, r.len, j), loaded = lanes(first, end, j);
        uint32_t *o = out + r.at + j;
        if (!loaded) {
          for (intptr_t i = 0; i < rows; i++)
            _mm512_mask_storeu_epi32(o + i * width, stored, _mm512_setzero_si512());
          continue;
        }
        // Lanes that are not loaded may lie outside; they are never touched.
        const uint32_t *v =
            (const uint32_t *)((uintptr_t)source + (uintptr_t)(row + offset + j * s) * 4);
        if (s == 1) {
          for (intptr_t i = 0; i < rows; i++)
            _mm512_mask_storeu_epi32(o + i * width, stored,
                                     _mm512_maskz_loadu_epi32(loaded, v + i * plane));
        } else {
          const uint32_t both = _pdep_u32(loaded, 0x55555555u);
          const __mmask16 low = (__mmask16)both, high = (__mmask16)(both >> 16);
          for (intptr_t i = 0; i < rows; i++) {
            const uint32_t *u = v + i * plane;
            const __m512i a = _mm512_maskz_loadu_epi32(low, u);
            const __m512i b = _mm512_maskz_loadu_epi32(high, u + 16);
            _mm512_mask_storeu_epi32(o + i * width, stored, _mm512_permutex2var_epi32(a, even, b));
          }
        }
      }
    }
  })
}
#pragma clang attribute pop
#endif

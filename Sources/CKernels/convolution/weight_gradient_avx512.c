#include "convolution.h"
#include "range.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi2"))),   \
                             apply_to = function)
#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))

enum { LANES = 16 };

// Where 16 output pixels lie in dy and in what a tap reads of x, and which lanes count. Where rows
// are narrow, the upper half is the next row.
typedef struct column {
  intptr_t offset;
  __mmask16 low, high, stored;
} column;

INLINE __m512 load(const int S, const float *row, const column *c) {
  const float *p = (const float *)((uintptr_t)row + (uintptr_t)c->offset * 4);
  const __m512 a = _mm512_maskz_loadu_ps(c->low, p);
  if (S == 1)
    return a;
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  return _mm512_permutex2var_ps(a, even, _mm512_maskz_loadu_ps(c->high, p + 16));
}

INLINE column reach(const dl_window *w, intptr_t tap, intptr_t j, intptr_t width) {
  const intptr_t s = w->stride[2];
  const intptr_t offset = j * s - w->pad[2] + tap * w->dilation[2];
  const intptr_t first = dl_first_inside(offset, s);
  const intptr_t end = dl_end_inside(offset, s, w->input[2], width);
  const uint32_t inside = first < end ? (0xFFFFu >> (LANES - (end - first))) << first : 0;
  const uint32_t read = s == 1 ? inside : _pdep_u32(inside, 0x55555555u);
  return (column){offset, (__mmask16)read, (__mmask16)(read >> 16),
                  (__mmask16)(0xFFFFu >> (LANES - width))};
}

// 16 sums at once: lane i is the sum of the lanes of v[i].
INLINE __m512 sums(__m512 v[16]) {
  __m512 t[16];
  UNROLL for (int i = 0; i < 8; i++) {
    t[2 * i] = _mm512_unpacklo_ps(v[2 * i], v[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_ps(v[2 * i], v[2 * i + 1]);
  }
  __m512 u[8];
  UNROLL for (int i = 0; i < 8; i++) u[i] = _mm512_add_ps(t[2 * i], t[2 * i + 1]);
  __m512 q[4];
  UNROLL for (int i = 0; i < 4; i++) q[i] =
      _mm512_add_ps(_mm512_shuffle_ps(u[2 * i], u[2 * i + 1], 0x44),
                    _mm512_shuffle_ps(u[2 * i], u[2 * i + 1], 0xEE));
  const __m512 a =
      _mm512_add_ps(_mm512_shuffle_f32x4(q[0], q[1], 0x88), _mm512_shuffle_f32x4(q[0], q[1], 0xDD));
  const __m512 b =
      _mm512_add_ps(_mm512_shuffle_f32x4(q[2], q[3], 0x88), _mm512_shuffle_f32x4(q[2], q[3], 0xDD));
  return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xDD));
}

typedef struct job {
  const float *x, *dy;
  float *dw;
  const dl_window *w;
  intptr_t dw_output, dw_row, images, x_image, dy_image, first, end;
  int adds;
} job;

// T neighbouring taps of kernel row `a`, from tap b, of one channel, by M output channels.
INLINE void block(const int S, const int T, const int M, const job *q, intptr_t a, intptr_t b) {
  const dl_window *w = q->w;
  const intptr_t width = w->output[2], plane = w->output[1] * width;
  const intptr_t up = q->w->pad[1] - a * w->dilation[1], s = w->stride[1];
  // Rows whose tap lies inside.
  intptr_t r0 = dl_first_inside(-up, s), r1 = dl_end_inside(-up, s, w->input[1], w->output[1]);
  if (r0 < q->first)
    r0 = q->first;
  if (r1 > q->end)
    r1 = q->end;
  __m512 sum[16 * ((T * M + 15) / 16)];
  UNROLL for (int i = 0; i < 16 * ((T * M + 15) / 16); i++) sum[i] = _mm512_setzero_ps();
  for (intptr_t j = 0; j < width; j += LANES) {
    column c[T];
    UNROLL for (int t = 0; t < T; t++) c[t] =
        reach(w, b + t, j, width - j < LANES ? width - j : LANES);
    for (intptr_t n = 0; n < q->images; n++) {
      const float *row = q->x + n * q->x_image + (r0 * s - up) * w->input[2];
      const float *dy = q->dy + n * q->dy_image + r0 * width + j;
      for (intptr_t r = r0; r < r1; r++, row += s * w->input[2], dy += width) {
        __m512 v[T];
        UNROLL for (int t = 0; t < T; t++) v[t] = load(S, row, c + t);
        UNROLL for (int m = 0; m < M; m++) {
          const __m512 g = _mm512_maskz_loadu_ps(c[0].stored, dy + m * plane);
          UNROLL for (int t = 0; t < T; t++) sum[m * T + t] =
              _mm512_fmadd_ps(g, v[t], sum[m * T + t]);
        }
      }
    }
  }
  float all[16 * ((T * M + 15) / 16)];
  UNROLL for (int i = 0; i < T * M; i += 16) _mm512_storeu_ps(all + i, sums(sum + i));
  for (int m = 0; m < M; m++)
    for (int t = 0; t < T; t++) {
      float *to = q->dw + m * q->dw_output + a * w->kernel[2] + b + t;
      *to = q->adds ? *to + all[m * T + t] : all[m * T + t];
    }
}

// The same where two rows fit a vector: rows r and r + 1 in its halves.
INLINE void narrow(const int FULL, const int T, const int M, const job *q, intptr_t a, intptr_t b) {
  const dl_window *w = q->w;
  const intptr_t width = w->output[2], plane = w->output[1] * width;
  const intptr_t up = q->w->pad[1] - a * w->dilation[1], s = w->stride[1];
  intptr_t r0 = dl_first_inside(-up, s), r1 = dl_end_inside(-up, s, w->input[1], w->output[1]);
  if (r0 < q->first)
    r0 = q->first;
  if (r1 > q->end)
    r1 = q->end;
  __m512 sum[16 * ((T * M + 15) / 16)];
  UNROLL for (int i = 0; i < 16 * ((T * M + 15) / 16); i++) sum[i] = _mm512_setzero_ps();
  column c[T];
  UNROLL for (int t = 0; t < T; t++) c[t] = reach(w, b + t, 0, width);
  const __mmask16 one = c[0].stored, two = (__mmask16)(one << 8);
  for (intptr_t n = 0; n < q->images; n++) {
    const float *row = q->x + n * q->x_image + (r0 * s - up) * w->input[2];
    const float *dy = q->dy + n * q->dy_image + r0 * width;
    const intptr_t step = s * w->input[2];
    for (intptr_t r = r0; r < r1; r += 2, row += 2 * step, dy += 2 * width) {
      const __mmask16 both = r + 1 < r1 ? 0xFFFF : 0x00FF;
      __m512 v[T];
      UNROLL for (int t = 0; t < T; t++) {
        const float *p = (const float *)((uintptr_t)row + (uintptr_t)c[t].offset * 4);
        const float *next = (const float *)((uintptr_t)p + (uintptr_t)(step - 8) * 4);
        v[t] = _mm512_mask_loadu_ps(_mm512_maskz_loadu_ps(c[t].low, p),
                                    (__mmask16)(c[t].low << 8) & both, next);
      }
      UNROLL for (int m = 0; m < M; m++) {
        const float *p = dy + m * plane;
        const float *next = (const float *)((uintptr_t)p + (uintptr_t)(width - 8) * 4);
        const __m512 g =
            FULL ? _mm512_maskz_loadu_ps(both, p)
                 : _mm512_mask_loadu_ps(_mm512_maskz_loadu_ps(one, p), two & both, next);
        UNROLL for (int t = 0; t < T; t++) sum[m * T + t] =
            _mm512_fmadd_ps(g, v[t], sum[m * T + t]);
      }
    }
  }
  float all[16 * ((T * M + 15) / 16)];
  UNROLL for (int i = 0; i < T * M; i += 16) _mm512_storeu_ps(all + i, sums(sum + i));
  for (int m = 0; m < M; m++)
    for (int t = 0; t < T; t++) {
      float *to = q->dw + m * q->dw_output + a * w->kernel[2] + b + t;
      *to = q->adds ? *to + all[m * T + t] : all[m * T + t];
    }
}

#define MAKE(S, N, T, M)                                                                           \
  static __attribute__((noinline)) void taps_##S##N##T##M(const job *q, intptr_t a, intptr_t b) {  \
    if (N)                                                                                         \
      narrow(N == 2, T, M, q, a, b);                                                               \
    else                                                                                           \
      block(S, T, M, q, a, b);                                                                     \
  }
#define MAKE_TAPS(S, N, M) MAKE(S, N, 1, M) MAKE(S, N, 2, M) MAKE(S, N, 3, M)
#define MAKE_WIDE(S, N, M) MAKE(S, N, 4, M) MAKE(S, N, 5, M)
#define MAKE_ALL(S, N)                                                                             \
  MAKE_TAPS(S, N, 1)                                                                               \
  MAKE_TAPS(S, N, 2)                                                                               \
  MAKE_TAPS(S, N, 4) MAKE_TAPS(S, N, 8) MAKE_WIDE(S, N, 1) MAKE_WIDE(S, N, 2) MAKE_WIDE(S, N, 4)
MAKE_ALL(1, 0)
MAKE_ALL(1, 1)
MAKE_ALL(1, 2)
MAKE_ALL(2, 0)

typedef void (*taps_fn)(const job *, intptr_t, intptr_t);
#define ROW(S, N)                                                                                  \
  {                                                                                                \
    {taps_##S##N##11, taps_##S##N##12, taps_##S##N##14, taps_##S##N##18},                          \
        {taps_##S##N##21, taps_##S##N##22, taps_##S##N##24, taps_##S##N##28},                      \
        {taps_##S##N##31, taps_##S##N##32, taps_##S##N##34, taps_##S##N##38},                      \
        {taps_##S##N##41, taps_##S##N##42, taps_##S##N##44, taps_##S##N##44},                      \
        {taps_##S##N##51, taps_##S##N##52, taps_##S##N##54, taps_##S##N##54},                      \
  }
static const taps_fn table[4][5][4] = {ROW(1, 0), ROW(1, 1), ROW(1, 2), ROW(2, 0)};

DL_CONV_WEIGHT_GRADIENT(dl_conv_weight_gradient_f32__avx512, float) {
  const intptr_t taps = w->kernel[1] * w->kernel[2];
  const intptr_t x_plane = w->input[1] * w->input[2], dy_plane = w->output[1] * w->output[2];
  const int form = w->stride[2] == 2 ? 3 : w->output[2] > 8 ? 0 : w->output[2] == 8 ? 2 : 1;
  job q = {x, dy, dw, w, dw_channels * taps, 0, images, x_image, dy_image, first, end, adds};
  intptr_t b = 0;
  while (b < w->kernel[2]) {
    const intptr_t left = w->kernel[2] - b;
    const intptr_t t = left <= 5 ? left : left == 6 ? 3 : left == 7 ? 4 : 5;
    for (intptr_t m = 0; m < outputs;) {
      const intptr_t rest = outputs - m;
      const int size = rest >= 8 && t <= 3 ? 3 : rest >= 4 ? 2 : rest >= 2 ? 1 : 0;
      q.dy = dy + m * dy_plane;
      for (intptr_t c = 0; c < channels; c++) {
        q.x = x + c * x_plane;
        q.dw = dw + (m * dw_channels + c) * taps;
        for (intptr_t a = 0; a < w->kernel[1]; a++)
          table[form][t - 1][size](&q, a, b);
      }
      m += (intptr_t)1 << size;
    }
    b += t;
  }
}
#pragma clang attribute pop
#endif

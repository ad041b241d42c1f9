#include "../include/recurrent.h"
#include "../lanes/lanes.h"
#include <math.h>

// Vectors are handed between functions of this file alone, so their calling convention is its own.
#pragma clang diagnostic ignored "-Wpsabi"

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(f) f##__avx2
#define LOAD_MASKED(p, n) NAME(load_part)(p, n)
#define STORE_MASKED(p, v, n) NAME(store_part)(p, v, n)
#define UNROLL _Pragma("clang loop unroll(full)")

typedef union {
  v16 all;
  __m256 half[2];
} halves;

static inline __m256i NAME(mask)(intptr_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline v16 NAME(load_part)(const float *p, intptr_t n) {
  halves v;
  v.half[0] = _mm256_maskload_ps(p, NAME(mask)(n));
  v.half[1] = n > 8 ? _mm256_maskload_ps(p + 8, NAME(mask)(n - 8)) : _mm256_setzero_ps();
  return v.all;
}
static inline void NAME(store_part)(float *p, v16 x, intptr_t n) {
  halves v = {.all = x};
  _mm256_maskstore_ps(p, NAME(mask)(n), v.half[0]);
  if (n > 8)
    _mm256_maskstore_ps(p + 8, NAME(mask)(n - 8), v.half[1]);
}
#include "cells.h"

enum { MOST_ROWS = 3, STRIP_ROWS = 6 };

// The sums of H halves of each vector of one panel for M rows.
INLINE void dots(const int M, const int V, const int H, intptr_t k, const dl_recur_row *row,
                 const float *r, int32_t backward, float *sum) {
  const intptr_t step = backward ? -1 : 1, first = backward ? k - 1 : 0;
  const float *h[MOST_ROWS];
  __m256 s[MOST_ROWS][4][2];
  r += first * V * 16;
  UNROLL for (int i = 0; i < M; i++) {
    h[i] = row[i].h + first;
    UNROLL for (int v = 0; v < V; v++) UNROLL for (int j = 0; j < H; j++) s[i][v][j] =
        _mm256_setzero_ps();
  }
  for (intptr_t n = 0; n < k; n++, r += step * V * 16) {
    __m256 a[MOST_ROWS];
    UNROLL for (int i = 0; i < M; i++) {
      a[i] = _mm256_broadcast_ss(h[i]);
      h[i] += step;
    }
    UNROLL for (int v = 0; v < V; v++) UNROLL for (int j = 0; j < H; j++) {
      const __m256 w = _mm256_loadu_ps(r + 16 * v + 8 * j);
      UNROLL for (int i = 0; i < M; i++) s[i][v][j] = _mm256_fmadd_ps(a[i], w, s[i][v][j]);
    }
  }
  UNROLL for (int i = 0; i < M; i++) UNROLL for (int v = 0; v < V; v++) {
    UNROLL for (int j = 0; j < H; j++) _mm256_storeu_ps(sum + 64 * i + 16 * v + 8 * j, s[i][v][j]);
  }
}

typedef void rows_fn(intptr_t, const dl_recur_row *, const float *, int32_t, v16 (*)[4]);

// One row takes both halves at once, which hides the latency of its additions.
#define ROWS(V, M)                                                                                 \
  static __attribute__((noinline)) void NAME(dots_##V##_##M)(                                      \
      intptr_t k, const dl_recur_row *row, const float *r, int32_t backward, v16(*sum)[4]) {       \
    if (M == 1) {                                                                                  \
      dots(M, V, 2, k, row, r, backward, (float *)sum);                                            \
    } else {                                                                                       \
      dots(M, V, 1, k, row, r, backward, (float *)sum);                                            \
      dots(M, V, 1, k, row, r + 8, backward, (float *)sum + 8);                                    \
    }                                                                                              \
  }
ROWS(3, 1)
ROWS(3, 2)
ROWS(3, 3)
ROWS(4, 1)
ROWS(4, 2)
ROWS(4, 3)

static rows_fn *const few_rows[2][MOST_ROWS] = {{NAME(dots_3_1), NAME(dots_3_2), NAME(dots_3_3)},
                                                {NAME(dots_4_1), NAME(dots_4_2), NAME(dots_4_3)}};

// M rows from `row` on of 16 columns from `first` on.
INLINE void strip(const int M, const dl_recur_product *p, intptr_t row, intptr_t first) {
  const float *w = p->w + first / 32 * p->depth * 32 + first % 32;
  const float *x = p->x + row * p->x_distance;
  __m256 s[STRIP_ROWS][2];
  UNROLL for (int i = 0; i < M; i++) {
    s[i][0] = _mm256_loadu_ps(p->bias + first);
    s[i][1] = _mm256_loadu_ps(p->bias + first + 8);
  }
  for (intptr_t k = 0; k < p->depth; k++, w += 32, x++) {
    const __m256 w0 = _mm256_loadu_ps(w), w1 = _mm256_loadu_ps(w + 8);
    UNROLL for (int i = 0; i < M; i++) {
      const __m256 a = _mm256_broadcast_ss(x + i * p->x_distance);
      s[i][0] = _mm256_fmadd_ps(a, w0, s[i][0]);
      s[i][1] = _mm256_fmadd_ps(a, w1, s[i][1]);
    }
  }
  UNROLL for (int i = 0; i < M; i++) {
    if (row + i < p->skip)
      continue;
    halves v;
    v.half[0] = s[i][0];
    v.half[1] = s[i][1];
    NAME(store)(p->to + (row + i - p->skip) * p->distance + first, v.all, p->columns - first);
  }
}
typedef void strip_fn(const dl_recur_product *, intptr_t, intptr_t);
#define STRIP(M)                                                                                   \
  static __attribute__((noinline)) void NAME(strip_##M)(const dl_recur_product *p, intptr_t row,   \
                                                        intptr_t first) {                          \
    strip(M, p, row, first);                                                                       \
  }
STRIP(1)
STRIP(2)
STRIP(3)
STRIP(4)
STRIP(5)
STRIP(6)

static strip_fn *const strips[STRIP_ROWS] = {NAME(strip_1), NAME(strip_2), NAME(strip_3),
                                             NAME(strip_4), NAME(strip_5), NAME(strip_6)};

void dl_recur_product_f32__avx2(dl_recur_product *p) {
  const intptr_t count = (p->rows + STRIP_ROWS - 1) / STRIP_ROWS;
  for (intptr_t first = 0; first < p->columns; first += 16) {
    for (intptr_t s = 0; s < count; s++) {
      const intptr_t a = s * p->rows / count, b = (s + 1) * p->rows / count;
      strips[b - a - 1](p, a, first);
    }
  }
}

// There are too few registers for a second tile.
INLINE int NAME(beside_row)(const int V, intptr_t k, const float *h, const float *r,
                            int32_t backward, v16 *sum, dl_recur_product *side) {
  return 0;
}
#include "steps.h"

#pragma clang attribute pop
#endif

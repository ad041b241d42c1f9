#include "../include/recurrent.h"
#include "../lanes/lanes.h"
#include <math.h>

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#define NAME(f) f##__avx512
#define LOAD_MASKED(p, n) ((v16)_mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), p))
#define STORE_MASKED(p, v, n) _mm512_mask_storeu_ps(p, (__mmask16)((1u << (n)) - 1), (__m512)(v))
#include "cells.h"
#define UNROLL _Pragma("clang loop unroll(full)")
// Keeps loads of later terms from being hoisted over earlier ones, which would spill.
#define IN_ORDER __asm__ volatile("" ::: "memory")

enum { MOST_ROWS = 6, SIDE_ROWS = DL_RECUR_SIDE_ROWS };

// A tile of the inputs' product: up to 10 rows of 32 columns.
typedef struct {
  v16 sum[SIDE_ROWS][2];
} tile;

INLINE void tile_load(const int M, tile *t, const dl_recur_product *p) {
  if (p->k == 0) {
    const float *bias = p->bias + 32 * p->panel;
    const v16 b0 = LOAD16(bias), b1 = LOAD16(bias + 16);
    UNROLL for (int i = 0; i < M; i++) t->sum[i][0] = b0, t->sum[i][1] = b1;
    return;
  }
  UNROLL for (int i = 0; i < M; i++) {
    t->sum[i][0] = LOAD16(p->partial + 32 * i);
    t->sum[i][1] = LOAD16(p->partial + 32 * i + 16);
  }
}

// The tile's rows from `skip` on to `to`.
INLINE void tile_finish(const int M, const tile *t, intptr_t skip, float *to, intptr_t distance,
                        intptr_t n) {
  to -= skip * distance;
  UNROLL for (int i = 0; i < M; i++, to += distance) {
    if (i < skip)
      continue;
    if (n >= 32) {
      STORE16(to, t->sum[i][0]);
      STORE16(to + 16, t->sum[i][1]);
    } else {
      NAME(store)(to, t->sum[i][0], n);
      if (n > 16)
        NAME(store)(to + 16, t->sum[i][1], n - 16);
    }
  }
}

// Keeps the tile, whose sums hold the terms below `end`, or puts it where it belongs.
INLINE void tile_store(const int M, const tile *t, dl_recur_product *p, intptr_t end) {
  p->k = end;
  if (end < p->depth) {
    UNROLL for (int i = 0; i < M; i++) {
      STORE16(p->partial + 32 * i, t->sum[i][0]);
      STORE16(p->partial + 32 * i + 16, t->sum[i][1]);
    }
    return;
  }
  const intptr_t first = 32 * p->panel;
  tile_finish(M, t, p->skip, p->to + first, p->distance, p->columns - first);
  p->panel++;
  p->k = 0;
}

// x and y are the first and the sixth row: five rows can be told from each by a few registers.
INLINE void tile_term(const int M, tile *t, const float *w, const float *x, const float *y,
                      intptr_t distance) {
  const v16 w0 = LOAD16(w), w1 = LOAD16(w + 16);
  UNROLL for (int i = 0; i < M; i++) {
    const v16 a = SPLAT16(i < 5 ? x[i * distance] : y[(i - 5) * distance]);
    t->sum[i][0] = (v16)_mm512_fmadd_ps((__m512)a, (__m512)w0, (__m512)t->sum[i][0]);
    t->sum[i][1] = (v16)_mm512_fmadd_ps((__m512)a, (__m512)w1, (__m512)t->sum[i][1]);
  }
}

// Terms k to `end` - 1 of M rows.
INLINE void tile_terms(const int M, tile *t, const float *w, const float *x, intptr_t distance,
                       intptr_t terms) {
  const float *y = x + 5 * distance;
  for (; terms > 0; terms--, w += 32, x++, y++) {
    IN_ORDER;
    tile_term(M, t, w, x, y, distance);
  }
}

// At most `terms` further terms of a product beside a step.
static __attribute__((noinline)) void NAME(move_on)(dl_recur_product *p, intptr_t terms) {
  const intptr_t left = p->depth - p->k;
  terms = terms < left ? terms : left;
  tile t;
  tile_load(SIDE_ROWS, &t, p);
  tile_terms(SIDE_ROWS, &t, p->w + (p->panel * p->depth + p->k) * 32, p->x + p->k, p->x_distance,
             terms);
  tile_store(SIDE_ROWS, &t, p, p->k + terms);
}

typedef void strip_fn(const dl_recur_product *, intptr_t);
#define STRIP(M)                                                                                   \
  static __attribute__((noinline)) void NAME(strip_##M)(const dl_recur_product *p, intptr_t row) { \
    const intptr_t first = 32 * p->panel, skip = row < p->skip ? p->skip - row : 0;                \
    const intptr_t to = row < p->skip ? 0 : row - p->skip;                                         \
    tile t;                                                                                        \
    tile_load(M, &t, p);                                                                           \
    tile_terms(M, &t, p->w + first * p->depth, p->x + row * p->x_distance, p->x_distance,          \
               p->depth);                                                                          \
    tile_finish(M, &t, skip, p->to + to * p->distance + first, p->distance, p->columns - first);   \
  }
STRIP(1)
STRIP(2)
STRIP(3)
STRIP(4)
STRIP(5)
STRIP(6)
STRIP(7)
STRIP(8)
STRIP(9)
STRIP(10)

static strip_fn *const strips[SIDE_ROWS] = {
    NAME(strip_1), NAME(strip_2), NAME(strip_3), NAME(strip_4), NAME(strip_5),
    NAME(strip_6), NAME(strip_7), NAME(strip_8), NAME(strip_9), NAME(strip_10)};

void dl_recur_product_f32__avx512(dl_recur_product *p) {
  if (p->k > 0)
    NAME(move_on)(p, p->depth);
  const intptr_t count = (p->rows + SIDE_ROWS - 1) / SIDE_ROWS;
  for (; 32 * p->panel < p->columns; p->panel++) {
    for (intptr_t s = 0; s < count; s++) {
      const intptr_t a = s * p->rows / count, b = (s + 1) * p->rows / count;
      strips[b - a - 1](p, a);
    }
  }
}

INLINE void term(const int V, const float *r, float h, v16 *sum) {
  const __m512 a = _mm512_set1_ps(h);
  UNROLL for (int v = 0; v < V; v++) sum[v] =
      (v16)_mm512_fmadd_ps(a, (__m512)LOAD16(r + 16 * v), (__m512)sum[v]);
}

// The sums of one panel for M rows.
INLINE void dots(const int M, const int V, intptr_t k, const dl_recur_row *row, const float *r,
                 int32_t backward, v16 (*sum)[4]) {
  const intptr_t step = backward ? -1 : 1;
  const float *h[MOST_ROWS];
  v16 s[MOST_ROWS][4];
  if (backward)
    r += (k - 1) * V * 16;
  UNROLL for (int i = 0; i < M; i++) {
    h[i] = row[i].h + (backward ? k - 1 : 0);
    UNROLL for (int v = 0; v < V; v++) s[i][v] = (v16){};
  }
  for (intptr_t n = 0; n < k; n++, r += step * V * 16) {
    IN_ORDER;
    if (M == 1) {
      term(V, r, *h[0], s[0]);
      h[0] += step;
      continue;
    }
    v16 w[4];
    UNROLL for (int v = 0; v < V; v++) w[v] = LOAD16(r + 16 * v);
    UNROLL for (int i = 0; i < M; i++) {
      const __m512 a = _mm512_set1_ps(*h[i]);
      h[i] += step;
      UNROLL for (int v = 0; v < V; v++) s[i][v] =
          (v16)_mm512_fmadd_ps(a, (__m512)w[v], (__m512)s[i][v]);
    }
  }
  UNROLL for (int i = 0; i < M; i++) UNROLL for (int v = 0; v < V; v++) sum[i][v] = s[i][v];
}

// The same for one row, with a term of the product's tile after every G terms: the one waits for
// weights, which come from the second-level cache, and the other for the multipliers.
INLINE void dots_beside(const int V, const int G, intptr_t k, const float *h, const float *r,
                        int32_t backward, v16 *sum, dl_recur_product *p) {
  const intptr_t step = backward ? -1 : 1, left = p->depth - p->k;
  const intptr_t distance = p->x_distance;
  intptr_t terms = p->quota < left ? p->quota : left, n = k;
  if (terms > k / G)
    terms = k / G;
  const intptr_t end = p->k + terms;
  const float *x = p->x + p->k, *y = x + 5 * distance;
  const float *w = p->w + (p->panel * p->depth + p->k) * 32;
  tile t;
  tile_load(SIDE_ROWS, &t, p);
  v16 s[4];
  UNROLL for (int v = 0; v < V; v++) s[v] = (v16){};
  if (backward) {
    r += (k - 1) * V * 16;
    h += k - 1;
  }
  for (; terms > 0; terms--, w += 32, x++, y++, n -= G) {
    IN_ORDER;
    UNROLL for (int g = 0; g < G; g++) {
      term(V, r, *h, s);
      r += step * V * 16;
      h += step;
    }
    tile_term(SIDE_ROWS, &t, w, x, y, distance);
  }
  tile_store(SIDE_ROWS, &t, p, end);
  for (; n > 0; n--) {
    IN_ORDER;
    term(V, r, *h, s);
    r += step * V * 16;
    h += step;
  }
  UNROLL for (int v = 0; v < V; v++) sum[v] = s[v];
}

#define BESIDE(V, G)                                                                               \
  static __attribute__((noinline)) void NAME(beside_##V##_##G)(intptr_t k, const float *h,         \
                                                               const float *r, int32_t backward,   \
                                                               v16 *sum, dl_recur_product *p) {    \
    dots_beside(V, G, k, h, r, backward, sum, p);                                                  \
  }
BESIDE(3, 1)
BESIDE(3, 2)
BESIDE(3, 4)
BESIDE(3, 8)
BESIDE(4, 1)
BESIDE(4, 2)
BESIDE(4, 4)
BESIDE(4, 8)

#define ROWS(V, M)                                                                                 \
  static __attribute__((noinline)) void NAME(dots_##V##_##M)(                                      \
      intptr_t k, const dl_recur_row *row, const float *r, int32_t backward, v16(*sum)[4]) {       \
    dots(M, V, k, row, r, backward, sum);                                                          \
  }
ROWS(3, 1)
ROWS(3, 2)
ROWS(3, 3)
ROWS(3, 4)
ROWS(3, 5)
ROWS(3, 6)
ROWS(4, 1)
ROWS(4, 2)
ROWS(4, 3)
ROWS(4, 4)
ROWS(4, 5)
ROWS(4, 6)

typedef void rows_fn(intptr_t, const dl_recur_row *, const float *, int32_t, v16 (*)[4]);
typedef void beside_fn(intptr_t, const float *, const float *, int32_t, v16 *, dl_recur_product *);
#define FEW_ROWS(V)                                                                                \
  {                                                                                                \
    NAME(dots_##V##_1), NAME(dots_##V##_2), NAME(dots_##V##_3), NAME(dots_##V##_4),                \
        NAME(dots_##V##_5), NAME(dots_##V##_6)                                                     \
  }
static rows_fn *const few_rows[2][MOST_ROWS] = {FEW_ROWS(3), FEW_ROWS(4)};
#define GAPS(V)                                                                                    \
  { NAME(beside_##V##_1), NAME(beside_##V##_2), NAME(beside_##V##_4), NAME(beside_##V##_8) }
static beside_fn *const beside[2][4] = {GAPS(3), GAPS(4)};

// How many terms of the step to put between two of the product beside it: 1 << this.
INLINE int gap(intptr_t k, const dl_recur_product *p) {
  int g = 0;
  while (g < 3 && p->quota << (g + 1) <= k)
    g++;
  return g;
}

// The sums of one row, and `side` moved on by its quota; 0 where that is done already.
INLINE int NAME(beside_row)(const int V, intptr_t k, const float *h, const float *r,
                            int32_t backward, v16 *sum, dl_recur_product *side) {
  if (32 * side->panel >= side->columns)
    return 0;
  const intptr_t before = side->k;
  beside[V - 3][gap(k, side)](k, h, r, backward, sum, side);
  const intptr_t rest = before + side->quota - side->k;
  if (side->k > 0 && rest > 0)
    NAME(move_on)(side, rest);
  return 1;
}
#include "steps.h"

#pragma clang attribute pop
#endif

#include "../include/recurrent.h"
#include "../lanes/lanes.h"
#include <math.h>

// Vectors are handed between functions of this file alone, so their calling convention is its own.
#pragma clang diagnostic ignored "-Wpsabi"

#define NAME(f) f##__scalar
#define LOAD_MASKED(p, n) NAME(load_part)(p, n)
#define STORE_MASKED(p, v, n) NAME(store_part)(p, v, n)

static v16 NAME(load_part)(const float *p, intptr_t n) {
  v16 v = {};
  for (intptr_t i = 0; i < n; i++)
    v[i] = p[i];
  return v;
}
static void NAME(store_part)(float *p, v16 v, intptr_t n) {
  for (intptr_t i = 0; i < n; i++)
    p[i] = v[i];
}
#include "cells.h"

enum { MOST_ROWS = 1 };

INLINE void dots(const int V, intptr_t k, const dl_recur_row *row, const float *r, int32_t backward,
                 v16 (*sum)[4]) {
  for (int v = 0; v < V; v++)
    sum[0][v] = (v16){};
  for (intptr_t n = 0; n < k; n++) {
    const intptr_t i = backward ? k - 1 - n : n;
    for (int v = 0; v < V; v++)
      sum[0][v] += row->h[i] * LOAD16(r + (i * V + v) * 16);
  }
}
static void dots_3(intptr_t k, const dl_recur_row *row, const float *r, int32_t backward,
                   v16 (*sum)[4]) {
  dots(3, k, row, r, backward, sum);
}
static void dots_4(intptr_t k, const dl_recur_row *row, const float *r, int32_t backward,
                   v16 (*sum)[4]) {
  dots(4, k, row, r, backward, sum);
}
typedef void rows_fn(intptr_t, const dl_recur_row *, const float *, int32_t, v16 (*)[4]);
static rows_fn *const few_rows[2][MOST_ROWS] = {{dots_3}, {dots_4}};

void dl_recur_product_f32__scalar(dl_recur_product *p) {
  for (intptr_t i = p->skip; i < p->rows; i++) {
    for (intptr_t j = 0; j < p->columns; j++) {
      float sum = p->bias[j];
      for (intptr_t k = 0; k < p->depth; k++)
        sum += p->x[i * p->x_distance + k] * p->w[(j / 32 * p->depth + k) * 32 + j % 32];
      p->to[(i - p->skip) * p->distance + j] = sum;
    }
  }
  p->panel = (p->columns + 31) / 32;
}

INLINE int NAME(beside_row)(const int V, intptr_t k, const float *h, const float *r,
                            int32_t backward, v16 *sum, dl_recur_product *side) {
  return 0;
}
#include "steps.h"

#include "movement.h"

#include <math.h>
#include <string.h>

enum { TILE = 64 };

/* The two pixels of an axis around a place from -1 to 1, and their weights, 0 outside the image. */
static inline __attribute__((always_inline)) void around(double place, int64_t size, int aligns,
                                                         int border, int64_t *first,
                                                         int64_t *second, float *low, float *high) {
  const double n = (double)size;
  double x = aligns ? (place + 1) / 2 * (n - 1) : ((place + 1) * n - 1) / 2;
  x = x == x ? x : 0;
  const double least = border ? 0 : -2, most = border ? n - 1 : n + 1;
  x = x < least ? least : x > most ? most : x;
  const double whole = floor(x);
  const int64_t a = (int64_t)whole, b = a + 1;
  const float t = (float)(x - whole);
  *low = a < 0 || a >= size ? 0 : 1 - t;
  *high = b < 0 || b >= size ? 0 : t;
  *first = a < 0 ? 0 : a >= size ? size - 1 : a;
  *second = b < 0 ? 0 : b >= size ? size - 1 : b;
}

/* The four pixels around each of m places, and their weights. */
static inline __attribute__((always_inline)) void corners(const dl_grid *k, const float *grid,
                                                          int64_t m, int64_t at[4][TILE],
                                                          float weight[4][TILE]) {
  for (int64_t j = 0; j < m; j++) {
    int64_t left, right, top, bottom;
    float l, r, t, b;
    around(grid[2 * j], k->width, k->aligns, k->border, &left, &right, &l, &r);
    around(grid[2 * j + 1], k->height, k->aligns, k->border, &top, &bottom, &t, &b);
    at[0][j] = top * k->width + left, weight[0][j] = t * l;
    at[1][j] = bottom * k->width + left, weight[1][j] = b * l;
    at[2][j] = top * k->width + right, weight[2][j] = t * r;
    at[3][j] = bottom * k->width + right, weight[3][j] = b * r;
  }
}

void dl_grid_linear_f32(const dl_grid *k, const float *x, const float *grid, int64_t count,
                        float *y) {
  int64_t at[4][TILE];
  float weight[4][TILE];
  for (int64_t i = 0; i < count; i += TILE) {
    const int64_t m = count - i < TILE ? count - i : TILE;
    corners(k, grid + 2 * i, m, at, weight);
    for (int64_t c = 0; c < k->channels; c++) {
      const float *plane = x + c * k->height * k->width;
      float *to = y + c * k->points + i;
      for (int64_t j = 0; j < m; j++) {
        float sum = 0;
        /* A pixel of weight 0 does not count, whatever it holds. */
        for (int q = 0; q < 4; q++)
          sum += weight[q][j] != 0 ? weight[q][j] * plane[at[q][j]] : 0;
        to[j] = sum;
      }
    }
  }
}

typedef float lanes __attribute__((vector_size(64)));

#define GRID_LANES(NAME, TURN)                                                                     \
  void NAME(const dl_grid *k, const float *pixels, const float *grid, int64_t count, float *y) {   \
    int64_t at[4][TILE];                                                                           \
    float weight[4][TILE], sums[TILE * 16];                                                        \
    const int64_t groups = (k->channels + 15) / 16;                                                \
    for (int64_t i = 0; i < count; i += TILE) {                                                    \
      const int64_t m = count - i < TILE ? count - i : TILE;                                       \
      corners(k, grid + 2 * i, m, at, weight);                                                     \
      for (int64_t g = 0; g < groups; g++) {                                                       \
        const float *from = pixels + g * 16;                                                       \
        for (int64_t j = 0; j < m; j++) {                                                          \
          lanes sum = {0}, x;                                                                      \
          for (int q = 0; q < 4; q++) {                                                            \
            if (weight[q][j] == 0)                                                                 \
              continue;                                                                            \
            memcpy(&x, from + at[q][j] * groups * 16, sizeof x);                                   \
            sum += weight[q][j] * x;                                                               \
          }                                                                                        \
          memcpy(sums + 16 * j, &sum, sizeof sum);                                                 \
        }                                                                                          \
        const int64_t some = k->channels - 16 * g < 16 ? k->channels - 16 * g : 16;                \
        TURN(y + 16 * g * k->points + i, k->points * 4, sums, 64, m, some);                        \
      }                                                                                            \
    }                                                                                              \
  }
#define TURN_PLAIN(to, to_stride, from, from_stride, rows, columns)                                \
  dl_transpose_2d__scalar(to, to_stride, from, from_stride, rows, columns, 4)

GRID_LANES(dl_grid_linear_lanes__scalar, TURN_PLAIN)

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
GRID_LANES(dl_grid_linear_lanes__avx2, dl_transpose_x32_8x8__avx2)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
GRID_LANES(dl_grid_linear_lanes__avx512, dl_transpose_x32_8x8__avx2)
#pragma clang attribute pop
#else
void dl_grid_linear_lanes__avx2(const dl_grid *k, const float *pixels, const float *grid,
                                int64_t count, float *y) {
  dl_grid_linear_lanes__scalar(k, pixels, grid, count, y);
}
void dl_grid_linear_lanes__avx512(const dl_grid *k, const float *pixels, const float *grid,
                                  int64_t count, float *y) {
  dl_grid_linear_lanes__scalar(k, pixels, grid, count, y);
}
#endif

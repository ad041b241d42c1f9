// Convolutions of bytes by tiles of up to 6 outputs and 4 vectors of columns.
//
// Whoever includes it has defined the vectors, DOT(sum, four, weights, width) for one vector of
// columns, WEIGHT_VECTORS (vectors of weights for a vector of columns and four channels), MOST (the
// most vectors of a panel), CONV, and the target.
#include "conv_taps.h"
#include "finish.h"

// 32 registers: 24 sums, 4 vectors of weights, one of inputs; 6 addresses besides.
#define ROWS 6

#define TILE(R, N)                                                                                 \
  static __attribute__((noinline)) void tile_##R##_##N(                                            \
      const dl_byte_conv *c, const dl_byte_panel *p, const uint8_t *const *table,                  \
      const uint8_t *ahead, const uint8_t *z, uint8_t *y) {                                        \
    tile(R, N, c, p, table, ahead, z, y);                                                          \
  }

INLINE void tile(const int rows, const int vectors, const dl_byte_conv *c, const dl_byte_panel *p,
                 const uint8_t *const *table, const uint8_t *ahead, const uint8_t *z, uint8_t *y) {
  // A tile of one vector has too few sums to hide how long each takes: it has two sets of them.
  const int sets = vectors == 1 ? 2 : 1;
  V sums[2][ROWS][4];
#pragma clang loop unroll(full)
  for (int j = 0; j < vectors; j++) {
    const V start = LOAD(p->start + LANES * j);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      sums[0][i][j] = start;
      sums[1][i][j] = ZERO;
    }
  }
  const intptr_t taps = c->taps[0] * c->taps[1], bytes = c->fours * 4;
  const intptr_t width = LANES * 4 * WEIGHT_VECTORS;
  const uint8_t *w = (const uint8_t *)p->weights;
  for (intptr_t t = 0; t < taps; t++, table += 8) {
    const uint8_t *at[ROWS];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
      at[i] = table[i];
    intptr_t k = 0;
    if (sets == 2) {
      for (; k + 4 < bytes; k += 8, w += 2 * width, ahead += 64) {
        __builtin_prefetch(ahead, 0, 2);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
          sums[0][i][0] = DOT(sums[0][i][0], FOUR(at[i] + k), w);
          sums[1][i][0] = DOT(sums[1][i][0], FOUR(at[i] + k + 4), w + width);
        }
      }
    }
    for (; k < bytes; k += 4, w += vectors * width, ahead += 64) {
      __builtin_prefetch(ahead, 0, 2);
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i++) {
        const V four = FOUR(at[i] + k);
#pragma clang loop unroll(full)
        for (int j = 0; j < vectors; j++)
          sums[0][i][j] = DOT(sums[0][i][j], four, w + j * width);
      }
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
    if (sets == 2)
      sums[0][i][0] = ADD_32(sums[0][i][0], sums[1][i][0]);
    dl_finish(&c->finish, vectors, sums[0][i], p->scale, p->offset, z ? z + i * c->out_step : NULL,
              y + i * c->out_step, p->columns);
  }
}

#define TILES(N) TILE(1, N) TILE(2, N) TILE(3, N) TILE(4, N) TILE(5, N) TILE(6, N)
#define NAMES(N)                                                                                   \
  { tile_1_##N, tile_2_##N, tile_3_##N, tile_4_##N, tile_5_##N, tile_6_##N }

typedef void (*tile_function)(const dl_byte_conv *, const dl_byte_panel *, const uint8_t *const *,
                              const uint8_t *, const uint8_t *, uint8_t *);
TILES(1)
TILES(2)
#if MOST > 2
TILES(3)
TILES(4)
static const tile_function tiles[4][ROWS] = {NAMES(1), NAMES(2), NAMES(3), NAMES(4)};
#else
static const tile_function tiles[2][ROWS] = {NAMES(1), NAMES(2)};
#endif

DL_BYTE_CONV(CONV) {
  dl_byte_place place = dl_byte_place_of(c, first);
  // Every pixel for itself: inputs lie as outputs do.
  const int is_flat = c->taps[0] == 1 && c->taps[1] == 1 && c->stride[0] == 1 &&
                      c->stride[1] == 1 && c->pad[0] == 0 && c->pad[1] == 0 &&
                      c->output[0] == c->input[0] && c->output[1] == c->input[1] &&
                      c->image_step == c->input[0] * c->input[1] * c->pixel_step;
  // While a tile computes, a line of the next panel's weights comes closer with each four channels.
  const intptr_t line = 64 * c->taps[0] * c->taps[1] * c->fours;
  const intptr_t all = c->taps[0] * c->taps[1] * c->fours * p->vectors * LANES * 4 * WEIGHT_VECTORS;
  const uint8_t *ahead = (const uint8_t *)p->next;
  for (intptr_t done = 0; done < count; done += ROWS) {
    const intptr_t rows = count - done < ROWS ? count - done : ROWS;
    const intptr_t at = (first + done) * c->out_step;
    if (is_flat) {
      const uint8_t *at = x + (first + done) * c->pixel_step;
      for (intptr_t i = 0; i < 8; i++)
        table[i] = at + (i < rows ? i : rows - 1) * c->pixel_step;
    } else {
      dl_byte_taps(c, &place, rows, x, border, table);
    }
    const int is_ahead = ahead && ahead < (const uint8_t *)p->next + all;
    tiles[p->vectors - 1][rows - 1](c, p, table, is_ahead ? ahead : (const uint8_t *)p->weights,
                                    z ? z + at : NULL, y + at);
    if (is_ahead)
      ahead += line;
  }
}

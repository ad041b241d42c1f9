// Convolutions of bytes by tiles of up to 6 outputs and 4 vectors of columns, or 8 and 3.
//
// Whoever includes it has defined the vectors, DOT(sum, four, weights, width) for one vector of
// columns, WEIGHT_VECTORS (vectors of weights for a vector of columns and four channels), MOST (the
// most vectors of a panel), CONV, and the target. Where panels may end in half a vector also
// HALF_TWICE(p), half a vector from p in both halves; DOT_TWICE, a DOT with such weights;
// HALVES(a, b), the lower half of a and that of b above it, of vectors that are one number
// throughout; and UPPER_HALF(v), that half below. Where they may be grouped also DOT_GROUPS;
// QUARTERS(v, s), four bytes of each quarter four times; and TWO_ROWS(p, q, n), up to 32 bytes of
// each.
#include "conv_taps.h"
#include "finish.h"

// 32 registers: 24 sums, 4 vectors of weights, one of inputs; 6 addresses besides. Narrower tiles
// have registers for 8 rows, so that what each tile costs is shared by more.
#define ROWS (LANES == 16 ? 8 : 6)
#define ROWS_OF(vectors) ((vectors) == 4 ? 6 : ROWS)

// Where a tile ends: its sums, [rows][vectors], or where finish is not `apart` bytes or float32.
typedef struct end {
  enum { apart, plain, added, floats } finish;
  V *sums;
  uint8_t *y;
  const uint8_t *z;
  intptr_t z_step;
  // Between the taps of neighbouring outputs, of which the table then has those of the first; or 0.
  intptr_t each;
  dl_byte_floats f; // of the tile's first output
} end;

#ifndef DOT_TWICE
#define DOT_TWICE DOT
#define HALF_TWICE LOAD
#define HALVES(a, b) (a)
#define UPPER_HALF(v) (v)
#define NO_HALVES
#endif

#define TILE(R, N, H)                                                                              \
  static __attribute__((noinline)) void tile_##R##_##N##_##H(                                      \
      const dl_byte_conv *c, const dl_byte_panel *p, const uint8_t *const *table,                  \
      const uint8_t *ahead, intptr_t ahead_step, const end *e) {                                   \
    tile(R, N, H, c, p, table, ahead, ahead_step, e);                                              \
  }

// The second operand is the result where one is NaN.
INLINE void finish_floats(const int rows, const int vectors, const dl_byte_panel *p, const end *e,
                          V sums[ROWS][4]) {
  // Copies, which stores cannot change.
  const dl_byte_floats f = e->f;
  const F low = SET_F(f.low), high = SET_F(f.high);
#pragma clang loop unroll(full)
  for (int j = 0; j < vectors; j++) {
    const F scale = LOAD_F(p->scale + LANES * j), offset = LOAD_F(p->offset + LANES * j);
    float *y = f.y + j * f.step;
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      const V sum = f.shift ? ADD_32(sums[i][j], SET_32(f.shift[i])) : sums[i][j];
      // Each step rounds, as the graph's own do.
      F v = ADD_F(MUL_F(TO_F(sum), scale), offset);
      if (f.z)
        v = ADD_F(v, LOAD_F(f.z + j * f.step + LANES * i));
      STORE_F(y + LANES * i, MIN_F(high, MAX_F(low, v)));
    }
  }
}

// The inputs of a tile's outputs under one tap.
INLINE void taps_of(const int rows, const uint8_t *const *table, intptr_t each,
                    const uint8_t **at) {
  if (each) {
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
      at[i] = table[0] + i * each;
  } else {
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
      at[i] = table[i];
  }
}

// Where a tile's sums go.
INLINE void finish_tile(const int rows, const int vectors, const int half, const dl_byte_conv *c,
                        const dl_byte_panel *p, const end *e, V sums[ROWS][4]) {
  if (e->finish == plain || e->finish == added) {
    // The most usual ends need no more than a few instructions, from registers.
    // Copies, which stores of bytes cannot change.
    const dl_byte_finish f = c->finish;
    const intptr_t columns = p->columns, out_step = c->out_step;
    F v[ROWS][4];
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; j++) {
      const F scale = LOAD_F(p->scale + LANES * j), base = LOAD_F(p->base + LANES * j);
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i++)
        v[i][j] = FMA_F(AS_F(sums[i][j]), scale, base);
      if (p->offset) {
        const F offset = LOAD_F(p->offset + LANES * j);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++)
          v[i][j] = ADD_F(v[i][j], offset);
      }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      if (e->finish == added) {
        const V given = dl_spread_out(dl_load_bytes(e->z + i * e->z_step, columns), vectors, half);
#pragma clang loop unroll(full)
        for (int j = 0; j < vectors; j++)
          v[i][j] = dl_finish_own(&f, v[i][j], PICK_F(given, j));
      }
      dl_finish_bytes(&f, vectors, half, v[i], e->y + i * out_step, columns);
    }
    return;
  }
  if (e->finish == floats) {
    finish_floats(rows, vectors, p, e, sums);
    return;
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; j++)
      e->sums[i * vectors + j] = sums[i][j];
}

INLINE void tile(const int rows, const int vectors, const int half, const dl_byte_conv *c,
                 const dl_byte_panel *p, const uint8_t *const *table, const uint8_t *ahead,
                 intptr_t ahead_step, const end *e) {
  // A tile of one vector has too few sums to hide how long each takes: it has two sets of them.
  const int sets = vectors == 1 ? 2 : 1;
  V sums[2][ROWS][4];
#pragma clang loop unroll(full)
  for (int j = 0; j < vectors; j++) {
    const V start =
        half && j == vectors - 1 ? HALF_TWICE(p->start + LANES * j) : LOAD(p->start + LANES * j);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      sums[0][i][j] = start;
      sums[1][i][j] = ZERO;
    }
  }
  const intptr_t taps = c->taps[0] * c->taps[1], bytes = c->fours * 4;
  const intptr_t width = LANES * 4 * WEIGHT_VECTORS;
  const intptr_t step = vectors * width - (half ? width / 2 : 0);
  const intptr_t each = e->each;
  const uint8_t *w = (const uint8_t *)p->weights;
  for (intptr_t t = 0; t < taps; t++, table += 8) {
    const uint8_t *at[ROWS];
    taps_of(rows, table, each, at);
    intptr_t k = 0;
    if (sets == 2) {
      for (; k + 4 < bytes; k += 8, w += 2 * width, ahead += 2 * ahead_step) {
        __builtin_prefetch(ahead, 0, 2);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
          sums[0][i][0] = DOT(sums[0][i][0], FOUR(at[i] + k), w);
          sums[1][i][0] = DOT(sums[1][i][0], FOUR(at[i] + k + 4), w + width);
        }
      }
    }
    for (; k < bytes; k += 4, w += step, ahead += ahead_step) {
      __builtin_prefetch(ahead, 0, 2);
      if (half) {
        // Half a vector of columns: two rows share one.
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i += 2) {
          const int has_next = i + 1 < rows;
          const V four = FOUR(at[i] + k), next = has_next ? FOUR(at[i + has_next] + k) : four;
#pragma clang loop unroll(full)
          for (int j = 0; j < vectors - 1; j++) {
            sums[0][i][j] = DOT(sums[0][i][j], four, w + j * width);
            if (has_next)
              sums[0][i + has_next][j] = DOT(sums[0][i + has_next][j], next, w + j * width);
          }
          sums[0][i][vectors - 1] =
              DOT_TWICE(sums[0][i][vectors - 1], HALVES(four, next), w + (vectors - 1) * width);
        }
        continue;
      }
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i++) {
        const V four = FOUR(at[i] + k);
#pragma clang loop unroll(full)
        for (int j = 0; j < vectors; j++)
          sums[0][i][j] = DOT(sums[0][i][j], four, w + j * width);
      }
    }
  }
  if (half) {
#pragma clang loop unroll(full)
    for (int i = 0; i + 1 < rows; i += 2)
      sums[0][i + 1][vectors - 1] = UPPER_HALF(sums[0][i][vectors - 1]);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
    if (sets == 2)
      sums[0][i][0] = ADD_32(sums[0][i][0], sums[1][i][0]);
  finish_tile(rows, vectors, half, c, p, e, sums[0]);
}

#ifdef DOT_GROUPS
#include "conv_groups.h"
#endif

// The rows of a tile, from sums to bytes, in any way.
#define FINISH(N, H)                                                                               \
  static __attribute__((noinline)) void finish_##N##_##H(                                          \
      const dl_byte_conv *c, const dl_byte_panel *p, intptr_t rows, const V *sums,                 \
      const uint8_t *z, intptr_t z_step, uint8_t *y) {                                             \
    finish_rows(N, H, c, p, rows, sums, z, z_step, y);                                             \
  }

INLINE void finish_rows(const int vectors, const int half, const dl_byte_conv *c,
                        const dl_byte_panel *p, intptr_t rows, const V *sums, const uint8_t *z,
                        intptr_t z_step, uint8_t *y) {
  const dl_byte_finish f = c->finish;
  const dl_byte_panel own = *p;
  const intptr_t step = c->out_step;
  for (intptr_t i = 0; i < rows; i++) {
    if (f.is_small)
      dl_finish(&f, 1, vectors, half, sums + i * vectors, &own, z ? z + i * z_step : NULL,
                y + i * step, own.columns);
    else
      dl_finish(&f, 0, vectors, half, sums + i * vectors, &own, z ? z + i * z_step : NULL,
                y + i * step, own.columns);
  }
}

#define TILES(N, H)                                                                                \
  TILE(1, N, H)                                                                                    \
  TILE(2, N, H) TILE(3, N, H) TILE(4, N, H) TILE(5, N, H) TILE(6, N, H) FINISH(N, H)
#define MORE_TILES(N, H) TILES(N, H) TILE(7, N, H) TILE(8, N, H)
#define NAMES(N, H)                                                                                \
  tile_1_##N##_##H, tile_2_##N##_##H, tile_3_##N##_##H, tile_4_##N##_##H, tile_5_##N##_##H,        \
      tile_6_##N##_##H
#define MORE_NAMES(N, H)                                                                           \
  { NAMES(N, H), tile_7_##N##_##H, tile_8_##N##_##H }

typedef void (*tile_function)(const dl_byte_conv *, const dl_byte_panel *, const uint8_t *const *,
                              const uint8_t *, intptr_t, const end *);
typedef void (*finish_function)(const dl_byte_conv *, const dl_byte_panel *, intptr_t, const V *,
                                const uint8_t *, intptr_t, uint8_t *);
// By twice the vectors, less one where the last is half, less one.
#if MOST > 2
MORE_TILES(1, 0)
MORE_TILES(2, 0)
MORE_TILES(3, 0)
TILES(4, 0)
#ifdef NO_HALVES
static const tile_function tiles[8][8] = {
    [1] = MORE_NAMES(1, 0), [3] = MORE_NAMES(2, 0), [5] = MORE_NAMES(3, 0), [7] = {NAMES(4, 0)}};
static const finish_function finishes[8] = {
    [1] = finish_1_0, [3] = finish_2_0, [5] = finish_3_0, [7] = finish_4_0};
#else
MORE_TILES(2, 1)
MORE_TILES(3, 1)
static const tile_function tiles[8][8] = {
    [1] = MORE_NAMES(1, 0), [2] = MORE_NAMES(2, 1), [3] = MORE_NAMES(2, 0),
    [4] = MORE_NAMES(3, 1), [5] = MORE_NAMES(3, 0), [7] = {NAMES(4, 0)}};
static const finish_function finishes[8] = {[1] = finish_1_0, [2] = finish_2_1, [3] = finish_2_0,
                                            [4] = finish_3_1, [5] = finish_3_0, [7] = finish_4_0};
#endif
#else
TILES(1, 0)
TILES(2, 0)
static const tile_function tiles[4][6] = {[1] = {NAMES(1, 0)}, [3] = {NAMES(2, 0)}};
static const finish_function finishes[4] = {[1] = finish_1_0, [3] = finish_2_0};
#endif

#ifdef DOT_GROUPS
ALL_GROUPS(1)
ALL_GROUPS(2)
ALL_GROUPS(4)
static const tile_function group_tiles[5][2][6] = {
    [1] = GROUP_NAMES(1), [2] = GROUP_NAMES(2), [4] = GROUP_NAMES(4)};
#endif

DL_BYTE_CONV(CONV) {
  dl_byte_place place = dl_byte_place_of(c, first);
  // Every pixel for itself: inputs lie as outputs do.
  const int is_flat = c->taps[0] == 1 && c->taps[1] == 1 && c->stride[0] == 1 &&
                      c->stride[1] == 1 && c->pad[0] == 0 && c->pad[1] == 0 &&
                      c->output[0] == c->input[0] && c->output[1] == c->input[1] &&
                      c->image_step == c->input[0] * c->input[1] * c->pixel_step;
  // While tiles compute, the next panel's weights come closer, evenly over all four channels that
  // are summed up meanwhile: more at a time would hold up the loads of the tile's own.
  const intptr_t steps = c->taps[0] * c->taps[1] * c->fours;
  const intptr_t most = ROWS_OF(p->vectors);
  const intptr_t all_steps = (count + most - 1) / most * steps;
  const int are_rows = c->taps[1] > 1 && dl_byte_rows_are_taps(c);
  dl_byte_conv by_rows = *c;
  by_rows.taps[1] = 1;
  by_rows.fours *= c->taps[1];
  const uint8_t *ahead = p->next ? (const uint8_t *)p->next : (const uint8_t *)p->weights;
  intptr_t ahead_step = 0;
  if (p->next && all_steps > 0) {
    ahead_step = (p->next_bytes + all_steps - 1) / all_steps;
    ahead_step = ahead_step > 64 ? 64 : ahead_step;
  }
  const intptr_t kind = 2 * p->vectors - 1 - (p->is_half ? 1 : 0);
  const tile_function *tile_of = tiles[kind];
#ifdef DOT_GROUPS
  if (p->is_grouped)
    tile_of = group_tiles[c->fours][p->columns <= 32];
#endif
  const finish_function finish = finishes[kind];
  const dl_byte_finish *f = &c->finish;
  // A residual in the same memory as the result, in rows that are no whole vectors: a load would
  // wait for the store before it to leave the core, so a tile's rows are taken out at once.
  const int is_held = z && p->columns < 4 * LANES;
  uint8_t held[ROWS * 64];
  V sums[ROWS * 4];
  end e = {.finish = apart, .sums = sums, .z_step = is_held ? 64 : c->out_step};
  if (c->floats) {
    const intptr_t at = first % (c->output[0] * c->output[1]);
    e.finish = floats;
    e.f = *c->floats;
    e.f.y += at * LANES;
    e.f.z = e.f.z ? e.f.z + at * LANES : NULL;
    e.f.shift = e.f.shift ? e.f.shift + at : NULL;
  } else if (f->is_small && !f->is_wide)
    e.finish = !z ? plain : f->has_own && f->z_offset == 0 ? added : apart;
  for (intptr_t done = 0; done < count; done += most) {
    const intptr_t rows = count - done < most ? count - done : most;
    const intptr_t at = (first + done) * c->out_step;
    const dl_byte_conv *form = c;
    if (is_flat) {
      table[0] = x + (first + done) * c->pixel_step;
      e.each = c->pixel_step;
    } else {
      const int is_row = dl_byte_taps(c, &place, rows, x, border, table, are_rows, &e.each);
      form = is_row ? &by_rows : c;
    }
    if (is_held)
      for (intptr_t i = 0; i < rows; i++)
        dl_hold_bytes(held + 64 * i, z + at + i * c->out_step, p->columns);
    e.y = y ? y + at : NULL;
    e.z = is_held ? held : z ? z + at : NULL;
    tile_of[rows - 1](form, p, table, ahead, ahead_step, &e);
    if (e.finish == apart)
      finish(c, p, rows, sums, e.z, e.z_step, e.y);
    if (c->floats) {
      e.f.y += rows * LANES;
      e.f.z = e.f.z ? e.f.z + rows * LANES : NULL;
      e.f.shift = e.f.shift ? e.f.shift + rows : NULL;
    }
    ahead += steps * ahead_step;
  }
}

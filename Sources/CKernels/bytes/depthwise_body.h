// Convolutions of each channel with a window of its own, a panel of 4 vectors of channels at once.
//
// Unpacking turns the bytes of four taps into 32-bit groups of four, a channel each, which one DOT
// sums. It leaves channels in the very order that packing the results undoes.
//
// Whoever includes it has defined the vectors, DOT, WEIGHT_VECTORS, DEPTHWISE, and the target.
#include "conv_taps.h"
#include "finish.h"

INLINE void fours(const V a, const V b, const V c, const V d, const uint8_t *w, V *sums) {
  const intptr_t width = LANES * 4 * WEIGHT_VECTORS;
  const V low = LOW_8(a, b), high = HIGH_8(a, b), low2 = LOW_8(c, d), high2 = HIGH_8(c, d);
  sums[0] = DOT(sums[0], LOW_16(low, low2), w);
  sums[1] = DOT(sums[1], HIGH_16(low, low2), w + width);
  sums[2] = DOT(sums[2], LOW_16(high, high2), w + 2 * width);
  sums[3] = DOT(sums[3], HIGH_16(high, high2), w + 3 * width);
}

// One output; pointers to its taps are 8 apart.
INLINE void output(const intptr_t taps, const dl_byte_conv *c, const dl_byte_panel *p,
                   const uint8_t *const *table, const intptr_t columns, const uint8_t *z,
                   uint8_t *y) {
  V sums[4];
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++)
    sums[j] = LOAD(p->start + LANES * j);
  const uint8_t *w = (const uint8_t *)p->weights;
  const intptr_t width = 4 * LANES * 4 * WEIGHT_VECTORS;
#define TAP(k) dl_load_bytes(table[8 * (k)], columns)
  if (taps == 9) {
    for (intptr_t t = 0; t < 3; t++, w += width)
      fours(TAP(t), TAP(t + 3), TAP(t + 6), ZERO, w, sums);
  } else {
    intptr_t t = 0;
    for (; t + 4 <= taps; t += 4, w += width)
      fours(TAP(t), TAP(t + 1), TAP(t + 2), TAP(t + 3), w, sums);
    if (t + 3 == taps)
      fours(TAP(t), TAP(t + 1), TAP(t + 2), ZERO, w, sums);
    else if (t + 2 == taps)
      fours(TAP(t), TAP(t + 1), ZERO, ZERO, w, sums);
    else if (t + 1 == taps)
      fours(TAP(t), ZERO, ZERO, ZERO, w, sums);
  }
#undef TAP
  dl_finish(&c->finish, 4, sums, p->scale, p->offset, z, y, columns);
}

// Three rows of an image under a window of 3x3.
typedef struct rows {
  const uint8_t *at[3];
  intptr_t step[3]; // between pixels: 0 for a row outside
  const uint8_t *border;
  intptr_t width;
} rows;

// The taps of one column in groups of four, shared by all outputs that it counts for.
INLINE void column_of(const rows *r, intptr_t at, const intptr_t columns, V *u) {
  V t[3];
#pragma clang loop unroll(full)
  for (int i = 0; i < 3; i++)
    t[i] = dl_load_bytes(at >= 0 && at < r->width ? r->at[i] + at * r->step[i] : r->border, columns);
  const V low = LOW_8(t[0], t[1]), high = HIGH_8(t[0], t[1]);
  const V low2 = LOW_8(t[2], ZERO), high2 = HIGH_8(t[2], ZERO);
  u[0] = LOW_16(low, low2);
  u[1] = HIGH_16(low, low2);
  u[2] = LOW_16(high, high2);
  u[3] = HIGH_16(high, high2);
}

INLINE void add_column(V *sums, const V *u, const uint8_t *weights, int tap) {
  const intptr_t width = LANES * 4 * WEIGHT_VECTORS;
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++)
    sums[j] = DOT(sums[j], u[j], weights + (4 * tap + j) * width);
}

// `count` outputs of a row, the first with its window from column `left` on: each column is taken
// apart once and counts for three (stride 2: one or two) outputs at once.
INLINE void three_by_three(const int stride, const intptr_t columns, const dl_byte_conv *c,
                           const dl_byte_panel *p, const rows *r, intptr_t left, intptr_t count,
                           const uint8_t *z, uint8_t *y) {
  const uint8_t *w = (const uint8_t *)p->weights;
  V sums[3][4], u[4];
#pragma clang loop unroll(full)
  for (int s = 0; s < 3; s++)
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++)
      sums[s][j] = LOAD(p->start + LANES * j);
  const intptr_t ahead = stride == 1 ? 2 : 1;
  for (intptr_t t = 0; t < count + ahead; t++) {
    // sums[s] belong to output t - s.
    column_of(r, left + t * stride, columns, u);
    add_column(sums[0], u, w, 0);
    add_column(sums[1], u, w, stride == 1 ? 1 : 2);
    if (stride == 1)
      add_column(sums[2], u, w, 2);
    if (t >= ahead) {
      const intptr_t at = (t - ahead) * c->out_step;
      dl_finish(&c->finish, 4, sums[ahead], p->scale, p->offset, z ? z + at : NULL, y + at,
                columns);
    }
    if (stride == 2) {
      column_of(r, left + t * stride + 1, columns, u);
      add_column(sums[0], u, w, 1);
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
      sums[2][j] = sums[1][j];
      sums[1][j] = sums[0][j];
      sums[0][j] = LOAD(p->start + LANES * j);
    }
  }
}

#define STRIP(name, stride, columns)                                                               \
  static __attribute__((noinline)) void name(const dl_byte_conv *c, const dl_byte_panel *p,        \
                                             const rows *r, intptr_t left, intptr_t count,         \
                                             const uint8_t *z, uint8_t *y) {                       \
    three_by_three(stride, columns, c, p, r, left, count, z, y);                                   \
  }
STRIP(near_whole, 1, 4 * LANES)
STRIP(near_part, 1, p->columns)
STRIP(far_whole, 2, 4 * LANES)
STRIP(far_part, 2, p->columns)

// Outputs of windows of 3x3 whose taps are neighbours, row by row.
static void strips(const dl_byte_conv *c, const dl_byte_panel *p, const uint8_t *x,
                   const uint8_t *border, const uint8_t *z, uint8_t *y, intptr_t first,
                   intptr_t count) {
  dl_byte_place place = dl_byte_place_of(c, first);
  const int is_whole = p->columns == 4 * LANES, is_near = c->stride[1] == 1;
  for (intptr_t done = 0; done < count;) {
    const intptr_t room = c->output[1] - place.column;
    const intptr_t n = count - done < room ? count - done : room;
    rows r = {.border = border, .width = c->input[1]};
    for (intptr_t i = 0; i < 3; i++) {
      const intptr_t row = place.row * c->stride[0] - c->pad[0] + i;
      const int is_in = row >= 0 && row < c->input[0];
      r.at[i] = is_in ? x + place.image * c->image_step + row * c->row_step : border;
      r.step[i] = is_in ? c->pixel_step : 0;
    }
    const intptr_t left = place.column * c->stride[1] - c->pad[1];
    const intptr_t at = (first + done) * c->out_step;
    (is_near ? is_whole ? near_whole : near_part : is_whole ? far_whole : far_part)(
        c, p, &r, left, n, z ? z + at : NULL, y + at);
    done += n;
    place.column = 0;
    if (++place.row == c->output[0]) {
      place.row = 0;
      place.image++;
    }
  }
}

// The usual windows, and whole panels, get code of their own.
#define OUTPUTS(name, taps, columns)                                                               \
  static __attribute__((noinline)) void name(const dl_byte_conv *c, const dl_byte_panel *p,        \
                                             const uint8_t *const *table, intptr_t count,          \
                                             const uint8_t *z, uint8_t *y) {                       \
    for (intptr_t i = 0; i < count; i++)                                                           \
      output(taps, c, p, table + i, columns, z ? z + i * c->out_step : NULL, y + i * c->out_step); \
  }
OUTPUTS(nine, 9, p->columns)
OUTPUTS(twenty_five_whole, 25, 4 * LANES)
OUTPUTS(any, c->taps[0] * c->taps[1], p->columns)

DL_BYTE_CONV(DEPTHWISE) {
  dl_byte_place place = dl_byte_place_of(c, first);
  const intptr_t taps = c->taps[0] * c->taps[1];
  const int is_whole = p->columns == 4 * LANES;
  if (c->taps[0] == 3 && c->taps[1] == 3 && c->dilation[0] == 1 && c->dilation[1] == 1 &&
      c->stride[1] <= 2) {
    strips(c, p, x, border, z, y, first, count);
    return;
  }
  for (intptr_t done = 0; done < count; done += 8) {
    const intptr_t some = count - done < 8 ? count - done : 8;
    const intptr_t at = (first + done) * c->out_step;
    dl_byte_taps(c, &place, some, x, border, table);
    const uint8_t *given = z ? z + at : NULL;
    if (taps == 9)
      nine(c, p, table, some, given, y + at);
    else if (taps == 25 && is_whole)
      twenty_five_whole(c, p, table, some, given, y + at);
    else
      any(c, p, table, some, given, y + at);
  }
}

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

// One output of any window; pointers to its taps are 8 apart.
static __attribute__((noinline)) void any(const dl_byte_conv *c, const dl_byte_panel *p,
                                          const uint8_t *const *table, const uint8_t *z,
                                          uint8_t *y) {
  V sums[4];
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++)
    sums[j] = LOAD(p->start + LANES * j);
  const uint8_t *w = (const uint8_t *)p->weights;
  const intptr_t width = 4 * LANES * 4 * WEIGHT_VECTORS;
  for (intptr_t b = 0; b < c->taps[1]; b++)
    for (intptr_t a = 0; a < c->taps[0]; a += 4, w += width) {
      V t[4];
      for (intptr_t i = 0; i < 4; i++)
        t[i] = a + i < c->taps[0] ? dl_load_bytes(table[8 * ((a + i) * c->taps[1] + b)], p->columns)
                                  : ZERO;
      fours(t[0], t[1], t[2], t[3], w, sums);
    }
  dl_finish(&c->finish, 4, sums, p->scale, p->offset, z, y, p->columns);
}

// The rows of an image under a square window.
typedef struct rows {
  const uint8_t *at[5];
  intptr_t step[5]; // between pixels: 0 for a row outside
  const uint8_t *border;
  intptr_t width;
} rows;

// The taps of one column in groups of four, shared by all outputs that it counts for.
INLINE void column_of(const int size, const rows *r, intptr_t at, const intptr_t columns, V *u) {
  V t[8];
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++)
    t[i] = i >= size
               ? ZERO
               : dl_load_bytes(at >= 0 && at < r->width ? r->at[i] + at * r->step[i] : r->border,
                               columns);
#pragma clang loop unroll(full)
  for (int g = 0; 4 * g < size; g++) {
    const V low = LOW_8(t[4 * g], t[4 * g + 1]), high = HIGH_8(t[4 * g], t[4 * g + 1]);
    const V low2 = LOW_8(t[4 * g + 2], t[4 * g + 3]), high2 = HIGH_8(t[4 * g + 2], t[4 * g + 3]);
    u[4 * g] = LOW_16(low, low2);
    u[4 * g + 1] = HIGH_16(low, low2);
    u[4 * g + 2] = LOW_16(high, high2);
    u[4 * g + 3] = HIGH_16(high, high2);
  }
}

INLINE void add_column(const int size, V *sums, const V *u, const uint8_t *weights, int tap) {
  const intptr_t width = LANES * 4 * WEIGHT_VECTORS;
  const int groups = (size + 3) / 4;
#pragma clang loop unroll(full)
  for (int g = 0; g < groups; g++)
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++)
      sums[j] = DOT(sums[j], u[4 * g + j], weights + (4 * (tap * groups + g) + j) * width);
}

// `count` outputs of a row, the first with its window from column `left` on: each column is taken
// apart once and counts for all outputs whose windows hold it.
INLINE void strip(const int size, const int stride, const intptr_t columns, const dl_byte_conv *c,
                  const dl_byte_panel *p, const rows *r, intptr_t left, intptr_t count,
                  const uint8_t *z, uint8_t *y) {
  const uint8_t *w = (const uint8_t *)p->weights;
  V sums[5][4], u[8];
  // Steps after which an output is complete.
  const int ahead = stride == 1 ? size - 1 : (size - 1) / 2;
#pragma clang loop unroll(full)
  for (int s = 0; s <= ahead; s++)
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++)
      sums[s][j] = LOAD(p->start + LANES * j);
  for (intptr_t t = 0; t < count + ahead; t++) {
    // sums[s] belong to output t - s.
    column_of(size, r, left + t * stride, columns, u);
#pragma clang loop unroll(full)
    for (int s = 0; s <= ahead; s++)
      add_column(size, sums[s], u, w, stride * s);
    if (t >= ahead) {
      const intptr_t at = (t - ahead) * c->out_step;
      dl_finish(&c->finish, 4, sums[ahead], p->scale, p->offset, z ? z + at : NULL, y + at,
                columns);
    }
    if (stride == 2) {
      column_of(size, r, left + t * stride + 1, columns, u);
#pragma clang loop unroll(full)
      for (int s = 0; s < ahead; s++)
        add_column(size, sums[s], u, w, 2 * s + 1);
    }
#pragma clang loop unroll(full)
    for (int s = ahead; s > 0; s--)
#pragma clang loop unroll(full)
      for (int j = 0; j < 4; j++)
        sums[s][j] = sums[s - 1][j];
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++)
      sums[0][j] = LOAD(p->start + LANES * j);
  }
}

typedef void (*strip_function)(const dl_byte_conv *, const dl_byte_panel *, const rows *, intptr_t,
                               intptr_t, const uint8_t *, uint8_t *);
#define STRIP(name, size, stride, columns)                                                         \
  static __attribute__((noinline)) void name(const dl_byte_conv *c, const dl_byte_panel *p,        \
                                             const rows *r, intptr_t left, intptr_t count,         \
                                             const uint8_t *z, uint8_t *y) {                       \
    strip(size, stride, columns, c, p, r, left, count, z, y);                                      \
  }
STRIP(three_whole, 3, 1, 4 * LANES)
STRIP(three_part, 3, 1, p->columns)
STRIP(three_far_whole, 3, 2, 4 * LANES)
STRIP(three_far_part, 3, 2, p->columns)
STRIP(five_whole, 5, 1, 4 * LANES)
STRIP(five_part, 5, 1, p->columns)
STRIP(five_far_whole, 5, 2, 4 * LANES)
STRIP(five_far_part, 5, 2, p->columns)
// By size 3 and 5, stride 1 and 2, whole panels and others.
static const strip_function all_strips[2][2][2] = {
    {{three_whole, three_part}, {three_far_whole, three_far_part}},
    {{five_whole, five_part}, {five_far_whole, five_far_part}},
};

// Outputs of square windows whose taps are neighbours, row by row.
static void strips(const dl_byte_conv *c, const dl_byte_panel *p, const uint8_t *x,
                   const uint8_t *border, const uint8_t *z, uint8_t *y, intptr_t first,
                   intptr_t count) {
  dl_byte_place place = dl_byte_place_of(c, first);
  const strip_function run =
      all_strips[c->taps[0] == 5][c->stride[1] == 2][p->columns != 4 * LANES];
  for (intptr_t done = 0; done < count;) {
    const intptr_t room = c->output[1] - place.column;
    const intptr_t n = count - done < room ? count - done : room;
    rows r = {.border = border, .width = c->input[1]};
    for (intptr_t i = 0; i < c->taps[0]; i++) {
      const intptr_t row = place.row * c->stride[0] - c->pad[0] + i;
      const int is_in = row >= 0 && row < c->input[0];
      r.at[i] = is_in ? x + place.image * c->image_step + row * c->row_step : border;
      r.step[i] = is_in ? c->pixel_step : 0;
    }
    const intptr_t at = (first + done) * c->out_step;
    run(c, p, &r, place.column * c->stride[1] - c->pad[1], n, z ? z + at : NULL, y + at);
    done += n;
    place.column = 0;
    if (++place.row == c->output[0]) {
      place.row = 0;
      place.image++;
    }
  }
}

DL_BYTE_CONV(DEPTHWISE) {
  const int is_square = c->taps[0] == c->taps[1] && (c->taps[0] == 3 || c->taps[0] == 5);
  if (is_square && c->dilation[0] == 1 && c->dilation[1] == 1 && c->stride[1] <= 2) {
    strips(c, p, x, border, z, y, first, count);
    return;
  }
  dl_byte_place place = dl_byte_place_of(c, first);
  for (intptr_t done = 0; done < count; done += 8) {
    const intptr_t some = count - done < 8 ? count - done : 8;
    const intptr_t at = (first + done) * c->out_step;
    dl_byte_taps(c, &place, some, x, border, table);
    for (intptr_t i = 0; i < some; i++)
      any(c, p, table + i, z ? z + at + i * c->out_step : NULL, y + at + i * c->out_step);
  }
}

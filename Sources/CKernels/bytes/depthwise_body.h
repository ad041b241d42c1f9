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

// Float32 results in blocks, and where each vector of an image's first output
// goes.
typedef struct block_end {
  float *y[4];
  const float *z[4];
  intptr_t block, vectors;
  float low, high;
} block_end;

INLINE block_end blocks_of(const dl_byte_floats *f, const dl_byte_panel *p) {
  block_end e = {.block = f->block, .low = f->low, .high = f->high};
  const intptr_t end = (p->columns + f->block - 1) / f->block * f->block;
  e.vectors = (end + LANES - 1) / LANES;
  for (int j = 0; j < 4; j++) {
    const intptr_t at = j < e.vectors ? LANES * j / f->block * f->step + LANES * j % f->block : 0;
    e.y[j] = f->y + at;
    e.z[j] = f->z ? f->z + at : NULL;
  }
  return e;
}

// One output, number `at` of its image.
INLINE void finish_blocks(const block_end *e, const dl_byte_panel *p, intptr_t at, const V *sums) {
  F v[4];
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++)
    v[j] = ADD_F(MUL_F(TO_F(sums[j]), LOAD_F(p->scale + LANES * j)), LOAD_F(p->offset + LANES * j));
  dl_in_order(v);
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) {
    if (j >= e->vectors)
      break;
    if (e->z[0])
      v[j] = ADD_F(v[j], LOAD_F(e->z[j] + at * e->block));
    // The second operand is the result where one is NaN.
    v[j] = MIN_F(SET_F(e->high), MAX_F(SET_F(e->low), v[j]));
    STORE_F(e->y[j] + at * e->block, v[j]);
  }
}

// One output of any window; pointers to its taps are 8 apart.
static __attribute__((noinline)) void any(const dl_byte_conv *c, const dl_byte_panel *p,
                                          const uint8_t *const *table, const uint8_t *z, uint8_t *y,
                                          intptr_t at) {
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
  if (c->floats) {
    const block_end e = blocks_of(c->floats, p);
    finish_blocks(&e, p, at, sums);
  } else {
    dl_finish(&c->finish, c->finish.is_small, 4, 0, sums, p, z, y, p->columns);
  }
}

// The rows of an image under a square window.
typedef struct rows {
  const uint8_t *at[7];
  intptr_t step[7]; // between pixels: 0 for a row outside
  const uint8_t *border;
  intptr_t width;
} rows;

// The taps of one column in groups of four, shared by all outputs that it counts for. `at` and
// `offset` lead to each row's pixel, which is there where is_in.
INLINE void column_of(const int size, const uint8_t *const *at, const intptr_t *offset,
                      const uint8_t *border, int is_in, const intptr_t columns, V *u) {
  V t[8];
  if (is_in) {
#pragma clang loop unroll(full)
    for (int i = 0; i < size; i++)
      t[i] = dl_load_bytes(at[i] + offset[i], columns);
  } else {
    t[0] = dl_load_bytes(border, columns);
#pragma clang loop unroll(full)
    for (int i = 1; i < size; i++)
      t[i] = t[0];
  }
#pragma clang loop unroll(full)
  for (int i = size; i < 8; i++)
    t[i] = ZERO;
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
// apart once and counts for all outputs whose windows hold it. Results are bytes, plain where sums
// are small and nothing is added, or float32, from the output `first` of the image on.
enum { any_bytes, plain_bytes, blocks };
INLINE void strip(const int size, const int stride, const int results, const intptr_t columns,
                  const dl_byte_conv *c, const dl_byte_panel *p, const rows *r, intptr_t left,
                  intptr_t count, const uint8_t *z, uint8_t *y, intptr_t first) {
  // Copies, which stores of bytes cannot change.
  const dl_byte_finish f = c->finish;
  block_end end = {.vectors = 0};
  if (results == blocks)
    end = blocks_of(c->floats, p);
  const dl_byte_panel own = *p;
  const uint8_t *w = (const uint8_t *)own.weights, *border = r->border;
  const intptr_t out_step = c->out_step;
  const uintptr_t width = (uintptr_t)r->width;
  const uint8_t *at[7];
  intptr_t offset[7], step[7];
#pragma clang loop unroll(full)
  for (int i = 0; i < size; i++) {
    at[i] = r->at[i];
    step[i] = r->step[i];
    offset[i] = left * step[i];
  }
  V sums[7][4], u[8];
  // Steps after which an output is complete.
  const int ahead = stride == 1 ? size - 1 : (size - 1) / 2;
#pragma clang loop unroll(full)
  for (int s = 0; s <= ahead; s++)
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++)
      sums[s][j] = LOAD(own.start + LANES * j);
  for (intptr_t t = 0; t < count + ahead; t++) {
    // sums[s] belong to output t - s.
    for (int half = 0; half < stride; half++) {
      column_of(size, at, offset, border, (uintptr_t)left < width, columns, u);
      left++;
#pragma clang loop unroll(full)
      for (int i = 0; i < size; i++)
        offset[i] += step[i];
      if (half == 0) {
#pragma clang loop unroll(full)
        for (int s = 0; s <= ahead; s++)
          add_column(size, sums[s], u, w, stride * s);
        if (t < ahead)
          continue;
        if (results == blocks) {
          finish_blocks(&end, &own, first++, sums[ahead]);
          continue;
        }
        if (results == plain_bytes) {
          F v[4];
#pragma clang loop unroll(full)
          for (int j = 0; j < 4; j++)
            v[j] = FMA_F(AS_F(sums[ahead][j]), LOAD_F(own.scale + LANES * j),
                         LOAD_F(own.base + LANES * j));
          dl_finish_bytes(&f, 4, 0, v, y, columns);
        } else {
          dl_finish(&f, f.is_small, 4, 0, sums[ahead], &own, z, y, columns);
          z = z ? z + out_step : NULL;
        }
        y += out_step;
      } else {
#pragma clang loop unroll(full)
        for (int s = 0; s < ahead; s++)
          add_column(size, sums[s], u, w, 2 * s + 1);
      }
    }
#pragma clang loop unroll(full)
    for (int s = ahead; s > 0; s--)
#pragma clang loop unroll(full)
      for (int j = 0; j < 4; j++)
        sums[s][j] = sums[s - 1][j];
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++)
      sums[0][j] = LOAD(own.start + LANES * j);
  }
}

typedef void (*strip_function)(const dl_byte_conv *, const dl_byte_panel *, const rows *, intptr_t,
                               intptr_t, const uint8_t *, uint8_t *, intptr_t);
#define STRIP(name, size, stride, results, columns)                                                \
  static __attribute__((noinline)) void name(const dl_byte_conv *c, const dl_byte_panel *p,        \
                                             const rows *r, intptr_t left, intptr_t count,         \
                                             const uint8_t *z, uint8_t *y, intptr_t first) {       \
    strip(size, stride, results, columns, c, p, r, left, count, z, y, first);                      \
  }
#define STRIPS(name, size, stride)                                                                 \
  STRIP(name##_whole, size, stride, any_bytes, 4 * LANES)                                          \
  STRIP(name##_part, size, stride, any_bytes, p->columns)                                          \
  STRIP(name##_plain_whole, size, stride, plain_bytes, 4 * LANES)                                  \
  STRIP(name##_plain_part, size, stride, plain_bytes, p->columns)                                  \
  STRIP(name##_blocks_whole, size, stride, blocks, 4 * LANES)                                      \
  STRIP(name##_blocks_part, size, stride, blocks, p->columns)
#define NAMES(name)                                                                                \
  {                                                                                                \
    {name##_whole, name##_part}, {name##_plain_whole, name##_plain_part}, {                        \
      name##_blocks_whole, name##_blocks_part                                                      \
    }                                                                                              \
  }
STRIPS(three, 3, 1)
STRIPS(three_far, 3, 2)
STRIPS(five, 5, 1)
STRIPS(five_far, 5, 2)
STRIPS(seven, 7, 1)
STRIPS(seven_far, 7, 2)
// By size 3, 5 and 7, stride 1 and 2, kind of results, whole panels and others.
static const strip_function all_strips[3][2][3][2] = {{NAMES(three), NAMES(three_far)},
                                                      {NAMES(five), NAMES(five_far)},
                                                      {NAMES(seven), NAMES(seven_far)}};

// Outputs of square windows whose taps are neighbours, row by row.
static void strips(const dl_byte_conv *c, const dl_byte_panel *p, const uint8_t *x,
                   const uint8_t *border, const uint8_t *z, uint8_t *y, intptr_t first,
                   intptr_t count) {
  dl_byte_place place = dl_byte_place_of(c, first);
  const int is_plain = c->finish.is_small && !c->finish.is_wide && !p->offset && !z;
  const int results = c->floats ? blocks : is_plain ? plain_bytes : any_bytes;
  const strip_function run =
      all_strips[c->taps[0] / 2 - 1][c->stride[1] == 2][results][p->columns != 4 * LANES];
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
    run(c, p, &r, place.column * c->stride[1] - c->pad[1], n, z ? z + at : NULL, y ? y + at : NULL,
        place.row * c->output[1] + place.column);
    done += n;
    place.column = 0;
    if (++place.row == c->output[0]) {
      place.row = 0;
      place.image++;
    }
  }
}

DL_BYTE_CONV(DEPTHWISE) {
  const int is_square =
      c->taps[0] == c->taps[1] && (c->taps[0] == 3 || c->taps[0] == 5 || c->taps[0] == 7);
  if (is_square && c->dilation[0] == 1 && c->dilation[1] == 1 && c->stride[1] <= 2) {
    strips(c, p, x, border, z, y, first, count);
    return;
  }
  dl_byte_place place = dl_byte_place_of(c, first);
  for (intptr_t done = 0; done < count; done += 8) {
    const intptr_t some = count - done < 8 ? count - done : 8;
    const intptr_t at = (first + done) * c->out_step;
    dl_byte_taps(c, &place, some, x, border, table, 0, NULL);
    for (intptr_t i = 0; i < some; i++)
      any(c, p, table + i, z ? z + at + i * c->out_step : NULL, y ? y + at + i * c->out_step : NULL,
          (first + done + i) % (c->output[0] * c->output[1]));
  }
}

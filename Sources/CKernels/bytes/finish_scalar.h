// From sums to bytes, one at a time.
#ifndef DL_BYTE_FINISH_SCALAR_H
#define DL_BYTE_FINISH_SCALAR_H
#include <math.h>

#include "../include/byte_images.h"

// The lane, counted over all vectors of 16, of a panel's column.
static inline intptr_t dl_byte_lane(intptr_t column, intptr_t vectors, intptr_t is_half) {
  intptr_t first = 0;
  if (is_half && column >= 8 * vectors) {
    column -= 8 * vectors--;
    first = 2;
  }
  const intptr_t quarter = first + column / (4 * vectors), rest = column % (4 * vectors);
  return rest / 4 * 16 + quarter * 4 + rest % 4;
}

static inline float dl_byte_between(float v, float low, float high) {
  v = v > low ? v : low;
  return v < high ? v : high;
}

static inline uint8_t dl_finish_scalar(const dl_byte_finish *f, int32_t sum, float scale,
                                       float offset, const uint8_t *z) {
#pragma clang fp contract(off)
  float v = (float)(f->is_small ? sum - DL_BYTE_MAGIC : sum) * scale;
  v = v + offset;
  if (z) {
    const float other = fmaf((float)*z, f->z_factor, f->z_offset);
    v = f->has_own ? fmaf(rintf(dl_byte_between(v, f->own_low, f->own_high)), f->own_factor, other)
                   : v + other;
  }
  const int32_t q = (int32_t)rintf(dl_byte_between(v, -65536.0f, 65536.0f)) + f->zero;
  return (uint8_t)(q < f->low ? f->low : q > f->high ? f->high : q);
}

// A float32 result of the output `at` of its image, of a column in order.
static inline void dl_finish_block(const dl_byte_floats *f, intptr_t at, intptr_t column,
                                   int32_t sum, float scale, float offset) {
#pragma clang fp contract(off)
  const intptr_t place = column / f->block * f->step + at * f->block + column % f->block;
  float v = (float)(f->shift ? sum + f->shift[at] : sum) * scale;
  v = v + offset;
  v = f->z ? v + f->z[place] : v;
  v = f->low > v ? f->low : v;
  f->y[place] = f->high < v ? f->high : v;
}

// The columns of a panel with those that fill the last block, whose scales and offsets are 0.
static inline intptr_t dl_block_columns(const dl_byte_floats *f, const dl_byte_panel *p) {
  return (p->columns + f->block - 1) / f->block * f->block;
}

#endif

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
  intptr_t t = 0;
  for (; t + 4 <= taps; t += 4, w += width)
    fours(TAP(t), TAP(t + 1), TAP(t + 2), TAP(t + 3), w, sums);
  if (t + 3 == taps)
    fours(TAP(t), TAP(t + 1), TAP(t + 2), ZERO, w, sums);
  else if (t + 2 == taps)
    fours(TAP(t), TAP(t + 1), ZERO, ZERO, w, sums);
  else if (t + 1 == taps)
    fours(TAP(t), ZERO, ZERO, ZERO, w, sums);
#undef TAP
  dl_finish(&c->finish, 4, sums, p->scale, p->offset, z, y, columns);
}

// The usual windows, and whole panels, get code of their own.
#define OUTPUTS(name, taps, columns)                                                               \
  static __attribute__((noinline)) void name(const dl_byte_conv *c, const dl_byte_panel *p,        \
                                             const uint8_t *const *table, intptr_t count,          \
                                             const uint8_t *z, uint8_t *y) {                       \
    for (intptr_t i = 0; i < count; i++)                                                           \
      output(taps, c, p, table + i, columns, z ? z + i * c->out_step : NULL, y + i * c->out_step); \
  }
OUTPUTS(nine_whole, 9, 4 * LANES)
OUTPUTS(nine, 9, p->columns)
OUTPUTS(twenty_five_whole, 25, 4 * LANES)
OUTPUTS(any, c->taps[0] * c->taps[1], p->columns)

DL_BYTE_CONV(DEPTHWISE) {
  dl_byte_place place = dl_byte_place_of(c, first);
  const intptr_t taps = c->taps[0] * c->taps[1];
  const int is_whole = p->columns == 4 * LANES;
  for (intptr_t done = 0; done < count; done += 8) {
    const intptr_t rows = count - done < 8 ? count - done : 8;
    const intptr_t at = (first + done) * c->out_step;
    dl_byte_taps(c, &place, rows, x, border, table);
    const uint8_t *given = z ? z + at : NULL;
    if (taps == 9 && is_whole)
      nine_whole(c, p, table, rows, given, y + at);
    else if (taps == 9)
      nine(c, p, table, rows, given, y + at);
    else if (taps == 25 && is_whole)
      twenty_five_whole(c, p, table, rows, given, y + at);
    else
      any(c, p, table, rows, given, y + at);
  }
}

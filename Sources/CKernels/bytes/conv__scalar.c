#include <math.h>

#include "conv_taps.h"
#include "finish_scalar.h"

static int32_t sum_of(const dl_byte_conv *c, const dl_byte_panel *p, intptr_t at,
                      const uint8_t *const *table) {
  const intptr_t taps = c->taps[0] * c->taps[1];
  const intptr_t step = 64 * p->vectors - (p->is_half ? 32 : 0);
  const int8_t *w = (const int8_t *)p->weights + 4 * at;
  int32_t sum = p->start[at];
  for (intptr_t t = 0; t < taps; t++)
    for (intptr_t k = 0; k < c->fours; k++, w += step)
      for (intptr_t i = 0; i < 4; i++)
        sum += table[8 * t][4 * k + i] * w[i];
  return sum;
}

static int32_t sum_of_group(const dl_byte_conv *c, const dl_byte_panel *p, intptr_t column,
                            intptr_t at, const uint8_t *const *table) {
  const intptr_t taps = c->taps[0] * c->taps[1], fours = c->fours, j = at / 16;
  const intptr_t channel = column / (4 * fours) * 4 * fours;
  const int8_t *w = (const int8_t *)p->weights + 4 * (at % 16);
  int32_t sum = p->start[at];
  for (intptr_t t = 0; t < taps; t++, w += 4 * fours * 64)
    for (intptr_t k = 0; k < fours; k++) {
      const int8_t *own = w + ((j / fours * fours + k) * fours + j % fours) * 64;
      for (intptr_t i = 0; i < 4; i++)
        sum += table[8 * t][channel + 4 * k + i] * own[i];
    }
  return sum;
}

// One output and column after another: what the others are held against.
DL_BYTE_CONV(dl_byte_conv_u8s8__scalar) {
  dl_byte_place place = dl_byte_place_of(c, first);
  for (intptr_t o = first; o < first + count; o++) {
    dl_byte_taps(c, &place, 1, x, border, table, 0, NULL);
    if (c->floats) {
      const dl_byte_floats *f = c->floats;
      const intptr_t in_image = o % (c->output[0] * c->output[1]);
      for (intptr_t column = 0; column < dl_block_columns(f, p); column++) {
        const int is_there = column < p->columns;
        dl_finish_block(f, in_image, column, is_there ? sum_of(c, p, column, table) : 0,
                        is_there ? p->scale[column] : 0, is_there ? p->offset[column] : 0);
      }
      continue;
    }
    for (intptr_t column = 0; column < p->columns; column++) {
      const intptr_t at = dl_byte_lane(column, p->vectors, p->is_half);
      const intptr_t place_of = o * c->out_step + column;
      const int32_t sum =
          p->is_grouped ? sum_of_group(c, p, column, at, table) : sum_of(c, p, at, table);
      y[place_of] = dl_finish_scalar(&c->finish, sum, p->scale[at], p->offset ? p->offset[at] : 0,
                                     z ? z + place_of : NULL);
    }
  }
}

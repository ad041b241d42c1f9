#include <math.h>

#include "conv_taps.h"
#include "finish_scalar.h"

// Results in blocks, of columns in order: y[at] for the output `at` of its image.
static void floats(const dl_byte_conv *c, const dl_byte_panel *p, const uint8_t *const *table,
                   intptr_t at) {
  const dl_byte_floats *f = c->floats;
  const intptr_t taps = c->taps[0] * c->taps[1];
  const intptr_t step = 64 * p->vectors - (p->is_half ? 32 : 0);
  const intptr_t lanes = (p->columns + f->block - 1) / f->block * f->block;
  for (intptr_t column = 0; column < lanes; column++) {
    float v = 0;
    if (column < p->columns) {
      const int8_t *w = (const int8_t *)p->weights + 4 * column;
      int32_t sum = p->start[column];
      for (intptr_t t = 0; t < taps; t++)
        for (intptr_t k = 0; k < c->fours; k++, w += step)
          for (intptr_t i = 0; i < 4; i++)
            sum += table[8 * t][4 * k + i] * w[i];
      sum += f->shift ? f->shift[at] : 0;
      v = fmaf((float)sum, p->scale[column], p->offset[column]);
    }
    const intptr_t place = column / f->block * f->step + at * f->block + column % f->block;
    v += f->z ? f->z[place] : 0;
    v = f->low > v ? f->low : v;
    f->y[place] = f->high < v ? f->high : v;
  }
}

// One output and column after another: what the others are held against.
DL_BYTE_CONV(dl_byte_conv_u8s8__scalar) {
  dl_byte_place place = dl_byte_place_of(c, first);
  const intptr_t taps = c->taps[0] * c->taps[1];
  const intptr_t step = 64 * p->vectors - (p->is_half ? 32 : 0);
  for (intptr_t o = first; o < first + count; o++) {
    dl_byte_taps(c, &place, 1, x, border, table, 0);
    if (c->floats) {
      floats(c, p, table, o % (c->output[0] * c->output[1]));
      continue;
    }
    for (intptr_t column = 0; column < p->columns; column++) {
      const intptr_t at = dl_byte_lane(column, p->vectors, p->is_half);
      const int8_t *w = (const int8_t *)p->weights + 4 * at;
      int32_t sum = p->start[at];
      for (intptr_t t = 0; t < taps; t++)
        for (intptr_t k = 0; k < c->fours; k++, w += step)
          for (intptr_t i = 0; i < 4; i++)
            sum += table[8 * t][4 * k + i] * w[i];
      const intptr_t place_of = o * c->out_step + column;
      y[place_of] = dl_finish_scalar(&c->finish, sum, p->scale[at], p->offset ? p->offset[at] : 0,
                                     z ? z + place_of : NULL);
    }
  }
}

#include "conv_taps.h"
#include "finish_scalar.h"

static int32_t sum_of(const dl_byte_conv *c, const dl_byte_panel *p, intptr_t column,
                      const uint8_t *const *table) {
  const intptr_t taps = c->taps[0] * c->taps[1], groups = (c->taps[0] + 3) / 4;
  const intptr_t at = dl_byte_lane(column, 4, 0);
  const int8_t *w = (const int8_t *)p->weights + 4 * at;
  int32_t sum = p->start[at];
  for (intptr_t t = 0; t < taps; t++) {
    const intptr_t row = t / c->taps[1], group = t % c->taps[1] * groups + row / 4;
    sum += table[8 * t][column] * w[group * 256 + row % 4];
  }
  return sum;
}

DL_BYTE_CONV(dl_byte_depthwise_u8s8__scalar) {
  dl_byte_place place = dl_byte_place_of(c, first);
  for (intptr_t o = first; o < first + count; o++) {
    dl_byte_taps(c, &place, 1, x, border, table, 0, NULL);
    if (c->floats) {
      const dl_byte_floats *f = c->floats;
      const intptr_t in_image = o % (c->output[0] * c->output[1]);
      for (intptr_t column = 0; column < dl_block_columns(f, p); column++) {
        const intptr_t at = dl_byte_lane(column, 4, 0);
        const int is_there = column < p->columns;
        dl_finish_block(f, in_image, column, is_there ? sum_of(c, p, column, table) : 0,
                        is_there ? p->scale[at] : 0, is_there ? p->offset[at] : 0);
      }
      continue;
    }
    for (intptr_t column = 0; column < p->columns; column++) {
      const intptr_t at = dl_byte_lane(column, 4, 0);
      const intptr_t place_of = o * c->out_step + column;
      y[place_of] = dl_finish_scalar(&c->finish, sum_of(c, p, column, table), p->scale[at],
                                     p->offset ? p->offset[at] : 0, z ? z + place_of : NULL);
    }
  }
}

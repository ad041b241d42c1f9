#include "conv_taps.h"
#include "finish_scalar.h"

DL_BYTE_CONV(dl_byte_depthwise_u8s8__scalar) {
  dl_byte_place place = dl_byte_place_of(c, first);
  const intptr_t taps = c->taps[0] * c->taps[1], groups = (c->taps[0] + 3) / 4;
  for (intptr_t o = first; o < first + count; o++) {
    dl_byte_taps(c, &place, 1, x, border, table, 0);
    for (intptr_t column = 0; column < p->columns; column++) {
      const intptr_t at = dl_byte_lane(column, 4, 0);
      const int8_t *w = (const int8_t *)p->weights + 4 * at;
      int32_t sum = p->start[at];
      for (intptr_t t = 0; t < taps; t++) {
        const intptr_t row = t / c->taps[1], group = t % c->taps[1] * groups + row / 4;
        sum += table[8 * t][column] * w[group * 256 + row % 4];
      }
      const intptr_t place_of = o * c->out_step + column;
      y[place_of] = dl_finish_scalar(&c->finish, sum, p->scale[at], p->offset ? p->offset[at] : 0,
                                     z ? z + place_of : NULL);
    }
  }
}

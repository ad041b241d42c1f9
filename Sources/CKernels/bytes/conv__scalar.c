#include <math.h>

#include "conv_taps.h"
#include "finish_scalar.h"

// One output and column after another: what the others are held against.
DL_BYTE_CONV(dl_byte_conv_u8s8__scalar) {
  dl_byte_place place = dl_byte_place_of(c, first);
  const intptr_t taps = c->taps[0] * c->taps[1];
  const intptr_t step = 64 * p->vectors - (p->is_half ? 32 : 0);
  for (intptr_t o = first; o < first + count; o++) {
    dl_byte_taps(c, &place, 1, x, border, table, 0);
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

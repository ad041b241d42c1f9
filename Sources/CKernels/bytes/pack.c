#include <string.h>

#include "../include/byte_images.h"

static int8_t weight(const dl_byte_filter *f, intptr_t output, intptr_t channel, intptr_t tap) {
  const intptr_t own = channel - output / f->share * f->part;
  if (own < 0 || own >= f->part || tap >= f->all_taps)
    return 0;
  return f->weights[(output * f->part + own) * f->all_taps + tap];
}

static void pack_groups(int8_t *to, const dl_byte_filter *f) {
  for (intptr_t t = 0; t < f->taps; t++)
    for (intptr_t s = 0; s < 4; s++)
      for (intptr_t j = s / f->fours * f->fours; j < (s / f->fours + 1) * f->fours; j++)
        for (intptr_t lane = 0; lane < f->lanes; lane++) {
          const intptr_t column = 4 * (lane / 4 * 4 + j) + lane % 4;
          const intptr_t output = f->first_output + column;
          const intptr_t channel = output / f->share * f->part + s % f->fours * 4;
          for (intptr_t i = 0; i < 4; i++)
            *to++ = column < f->columns ? weight(f, output, channel + i, t) : 0;
        }
}

void dl_byte_pack_s8(void *to, const dl_byte_filter *f) {
  if (f->is_grouped) {
    pack_groups(to, f);
    return;
  }
  int8_t *narrow = to;
  int16_t *wide = to;
  const intptr_t rows = f->tap_columns ? 1 : f->taps;
  // Of a depthwise convolution: taps of a column, and fours of them.
  const intptr_t height = f->tap_columns ? f->all_taps / f->tap_columns : 1;
  const intptr_t groups = (height + 3) / 4;
  const intptr_t fours = f->tap_columns ? f->tap_columns * groups : f->fours;
  for (intptr_t t = 0; t < rows; t++)
    for (intptr_t k = 0; k < fours; k++)
      for (intptr_t j = 0; j < f->vectors; j++) {
        const intptr_t lanes = f->is_half && j == f->vectors - 1 ? f->lanes / 2 : f->lanes;
        for (intptr_t lane = 0; lane < lanes; lane++) {
          const intptr_t missing = f->is_half && lane >= 8 ? lane / 4 - 2 : 0;
          const intptr_t column = f->is_in_order
                                      ? f->lanes * j + lane
                                      : 4 * (lane / 4 * f->vectors - missing + j) + lane % 4;
          for (intptr_t i = 0; i < 4; i++) {
            const intptr_t at = 4 * k + i, output = f->first_output + column;
            int8_t w = 0;
            if (column < f->columns) {
              const intptr_t row = k % groups * 4 + i;
              if (f->tap_columns && row < height)
                w = weight(f, output, output, row * f->tap_columns + k / groups);
              else if (f->tap_columns)
                w = 0;
              else if (f->merged && at / f->merged < f->all_taps / f->taps)
                w = weight(f, output, at % f->merged, t * (f->all_taps / f->taps) + at / f->merged);
              else if (f->merged)
                w = 0;
              else
                w = weight(f, output, f->first_channel + at, t);
            }
            if (f->is_wide)
              wide[i % 2 * 2 * f->lanes + 2 * lane + i / 2] = w;
            else
              narrow[4 * lane + i] = w;
          }
        }
        narrow += 4 * lanes;
        wide += 4 * lanes;
      }
}

void dl_byte_sums_s8(int32_t *to, const int8_t *from, intptr_t outputs, intptr_t n) {
  for (intptr_t m = 0; m < outputs; m++) {
    int32_t sum = 0, positive = 0;
    for (intptr_t i = 0; i < n; i++) {
      const int32_t w = from[m * n + i];
      sum += w;
      positive += w > 0 ? w : 0;
    }
    to[m] = sum;
    to[outputs + m] = positive;
  }
}

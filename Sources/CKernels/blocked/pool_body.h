// Poolings of one block of channels, for one instruction set. The file that includes it includes
// its vectors and defines NAME(operation).
#include "conv_common.h"

void NAME(max_pool)(const dl_blocked_depthwise *d, intptr_t first, intptr_t rows, const float *in,
                    float *out) {
  const intptr_t row = d->dilation[0] * d->input[1] * LANES;
  for (intptr_t h = first; h < first + rows; h++) {
    intptr_t a0, a1, b0, b1;
    dl_blocked_taps(d, 0, h, &a0, &a1);
    const intptr_t top = h * d->stride[0] - d->pad[0] + a0 * d->dilation[0];
    for (intptr_t x = 0; x < d->output[1]; x++) {
      dl_blocked_taps(d, 1, x, &b0, &b1);
      const intptr_t left = x * d->stride[1] - d->pad[1] + b0 * d->dilation[1];
      const float *p = in + (top * d->input[1] + left) * LANES;
      V most = SPLAT(-__builtin_inff());
      BAD bad = NO_BAD;
      for (intptr_t a = a0; a < a1; a++, p += row) {
        const float *q = p;
        for (intptr_t b = b0; b < b1; b++, q += d->dilation[1] * LANES) {
          const V v = LOAD(q);
          most = MAX(v, most);
          bad = NOTE_NAN(bad, v);
        }
      }
      STORE(out + (h * d->output[1] + x) * LANES, SPOIL(most, bad));
    }
  }
}

void NAME(average_pool)(const dl_blocked_depthwise *d, intptr_t first, intptr_t rows,
                        const float *in, float *out, const float *row_counts,
                        const float *column_counts) {
  const intptr_t row = d->dilation[0] * d->input[1] * LANES;
  for (intptr_t h = first; h < first + rows; h++) {
    intptr_t a0, a1, b0, b1;
    dl_blocked_taps(d, 0, h, &a0, &a1);
    const intptr_t top = h * d->stride[0] - d->pad[0] + a0 * d->dilation[0];
    for (intptr_t x = 0; x < d->output[1]; x++) {
      dl_blocked_taps(d, 1, x, &b0, &b1);
      const intptr_t left = x * d->stride[1] - d->pad[1] + b0 * d->dilation[1];
      const float *p = in + (top * d->input[1] + left) * LANES;
      V sum = SPLAT(0);
      for (intptr_t a = a0; a < a1; a++, p += row) {
        const float *q = p;
        for (intptr_t b = b0; b < b1; b++, q += d->dilation[1] * LANES)
          sum = ADD(sum, LOAD(q));
      }
      STORE(out + (h * d->output[1] + x) * LANES,
            DIV(sum, SPLAT(row_counts[h] * column_counts[x])));
    }
  }
}

void NAME(mean)(const float *in, intptr_t pixels, float *out) {
  V sum[4] = {SPLAT(0), SPLAT(0), SPLAT(0), SPLAT(0)};
  intptr_t p = 0;
  for (; p + 4 <= pixels; p += 4)
    for (int i = 0; i < 4; i++)
      sum[i] = ADD(sum[i], LOAD(in + (p + i) * LANES));
  for (; p < pixels; p++)
    sum[0] = ADD(sum[0], LOAD(in + p * LANES));
  STORE(out, DIV(ADD(ADD(sum[0], sum[1]), ADD(sum[2], sum[3])), SPLAT((float)pixels)));
}

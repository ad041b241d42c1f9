#include "conv_common.h"

void dl_blocked_max_pool_f32__scalar(const dl_blocked_depthwise *d, intptr_t first, intptr_t rows,
                                     const float *in, float *out, intptr_t lanes) {
  for (intptr_t h = first; h < first + rows; h++) {
    intptr_t a0, a1, b0, b1;
    dl_blocked_taps(d, 0, h, &a0, &a1);
    for (intptr_t x = 0; x < d->output[1]; x++) {
      dl_blocked_taps(d, 1, x, &b0, &b1);
      for (intptr_t l = 0; l < lanes; l++) {
        float most = -__builtin_inff();
        for (intptr_t a = a0; a < a1; a++)
          for (intptr_t b = b0; b < b1; b++) {
            const intptr_t y = h * d->stride[0] - d->pad[0] + a * d->dilation[0];
            const intptr_t v = x * d->stride[1] - d->pad[1] + b * d->dilation[1];
            const float value = in[(y * d->input[1] + v) * lanes + l];
            most = value > most || value != value ? value : most;
          }
        out[(h * d->output[1] + x) * lanes + l] = most;
      }
    }
  }
}

void dl_blocked_average_pool_f32__scalar(const dl_blocked_depthwise *d, intptr_t first,
                                         intptr_t rows, const float *in, float *out,
                                         const float *row_counts, const float *column_counts,
                                         intptr_t lanes) {
  for (intptr_t h = first; h < first + rows; h++) {
    intptr_t a0, a1, b0, b1;
    dl_blocked_taps(d, 0, h, &a0, &a1);
    for (intptr_t x = 0; x < d->output[1]; x++) {
      dl_blocked_taps(d, 1, x, &b0, &b1);
      for (intptr_t l = 0; l < lanes; l++) {
        float sum = 0;
        for (intptr_t a = a0; a < a1; a++)
          for (intptr_t b = b0; b < b1; b++) {
            const intptr_t y = h * d->stride[0] - d->pad[0] + a * d->dilation[0];
            const intptr_t v = x * d->stride[1] - d->pad[1] + b * d->dilation[1];
            sum += in[(y * d->input[1] + v) * lanes + l];
          }
        out[(h * d->output[1] + x) * lanes + l] = sum / (row_counts[h] * column_counts[x]);
      }
    }
  }
}

void dl_blocked_mean_f32__scalar(const float *in, intptr_t pixels, float *out, intptr_t lanes) {
  for (intptr_t l = 0; l < lanes; l++) {
    float sum[4] = {0, 0, 0, 0};
    for (intptr_t p = 0; p < pixels; p++)
      sum[p % 4] += in[p * lanes + l];
    out[l] = (sum[0] + sum[1] + sum[2] + sum[3]) / (float)pixels;
  }
}

#include "conv_common.h"

void dl_blocked_depthwise_f32__scalar(const dl_blocked_depthwise *d, intptr_t first, intptr_t rows,
                                      const float *in, const float *w, const float *bias,
                                      const float *residual, float *out, intptr_t lanes) {
  for (intptr_t h = first; h < first + rows; h++)
    for (intptr_t x = 0; x < d->output[1]; x++) {
      const intptr_t at = (h * d->output[1] + x) * lanes;
      for (intptr_t l = 0; l < lanes; l++) {
        float sum = bias[l];
        for (intptr_t plane = 0; plane < d->planes; plane++) {
          const float *p = in + plane * d->plane_step + l / d->group * d->group;
          const float *taps = w + plane * d->taps[0] * d->group * d->taps[1] * lanes;
          for (intptr_t a = 0; a < d->taps[0]; a++)
            for (intptr_t b = 0; b < d->taps[1]; b++) {
              const intptr_t y = h * d->stride[0] - d->pad[0] + a * d->dilation[0];
              const intptr_t v = x * d->stride[1] - d->pad[1] + b * d->dilation[1];
              if (y < 0 || y >= d->input[0] || v < 0 || v >= d->input[1])
                continue;
              for (intptr_t j = 0; j < d->group; j++)
                sum += p[(y * d->input[1] + v) * lanes + j] *
                       taps[((a * d->group + j) * d->taps[1] + b) * lanes + l];
            }
        }
        if (residual)
          sum += residual[at + l];
        out[at + l] = dl_blocked_finish(d->form, d->low, d->high, sum);
      }
      if (d->after)
        d->after(out + at, out + at, (size_t)lanes, d->numbers);
    }
}

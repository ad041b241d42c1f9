#include "conv_common.h"

void dl_blocked_conv_f32__scalar(const dl_blocked_conv *c, intptr_t blocks, intptr_t rows,
                                 intptr_t width, const float *in, const float *w, const float *bias,
                                 const float *residual, float *out, intptr_t lanes) {
  for (intptr_t h = 0; h < rows; h++)
    for (intptr_t x = 0; x < width; x++)
      for (intptr_t j = 0; j < blocks; j++) {
        const float *p = in + h * c->row_step + x * c->pixel_step;
        const float *weight = w + j * lanes;
        const intptr_t at = j * c->out_block + h * c->out_row + x * c->out_pixel;
        float sum[16];
        for (intptr_t l = 0; l < lanes; l++)
          sum[l] = bias[j * lanes + l];
        for (intptr_t block = 0; block < c->in_blocks; block++) {
          const intptr_t last = block + 1 == c->in_blocks;
          const intptr_t channels = c->is_plain ? 1 : last ? c->last_fours * 4 : lanes;
          for (intptr_t a = 0; a < c->taps[0]; a++)
            for (intptr_t b = 0; b < c->taps[1]; b++) {
              const float *q = p + block * c->block_step + a * c->tap_step[0] + b * c->tap_step[1];
              for (intptr_t u = 0; u < channels; u++) {
                for (intptr_t l = 0; l < lanes; l++)
                  sum[l] += q[u] * weight[l];
                weight += blocks * lanes;
              }
            }
        }
        for (intptr_t l = 0; l < lanes; l++) {
          const float y = residual ? sum[l] + residual[at + l] : sum[l];
          out[at + l] = dl_blocked_finish(c->form, c->low, c->high, y);
        }
        if (c->after)
          dl_blocked_after(c, 1, 1, 1, lanes, out + at);
      }
}

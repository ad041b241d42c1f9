#include "../include/byte_images.h"

void dl_byte_window_sums_s32(const dl_byte_window *w, const int32_t *x, int32_t *y,
                             int32_t factor) {
  for (intptr_t row = 0; row < w->output[0]; row++)
    for (intptr_t column = 0; column < w->output[1]; column++) {
      const intptr_t top = row * w->stride[0] - w->pad[0];
      const intptr_t left = column * w->stride[1] - w->pad[1];
      int32_t sum = 0;
      for (intptr_t a = 0; a < w->taps[0]; a++) {
        const intptr_t i = top + a * w->dilation[0];
        if (i < 0 || i >= w->input[0])
          continue;
        for (intptr_t b = 0; b < w->taps[1]; b++) {
          const intptr_t j = left + b * w->dilation[1];
          sum += j >= 0 && j < w->input[1] ? x[i * w->input[1] + j] : 0;
        }
      }
      y[row * w->output[1] + column] = sum * factor;
    }
}

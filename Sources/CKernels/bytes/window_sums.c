#include <string.h>

#include "../include/byte_images.h"

// The columns of each row of windows are summed first, then the taps of each.
void dl_byte_window_sums_s32(const dl_byte_window *w, const int32_t *x, int32_t *y, int32_t *row,
                             int32_t factor) {
  const intptr_t width = w->input[1];
  for (intptr_t i = 0; i < w->output[0]; i++) {
    memset(row, 0, (size_t)width * sizeof *row);
    for (intptr_t a = 0; a < w->taps[0]; a++) {
      const intptr_t at = i * w->stride[0] - w->pad[0] + a * w->dilation[0];
      if (at < 0 || at >= w->input[0])
        continue;
      const int32_t *from = x + at * width;
      for (intptr_t j = 0; j < width; j++)
        row[j] += from[j];
    }
    for (intptr_t j = 0; j < w->output[1]; j++) {
      int32_t sum = 0;
      for (intptr_t b = 0; b < w->taps[1]; b++) {
        const intptr_t at = j * w->stride[1] - w->pad[1] + b * w->dilation[1];
        sum += at >= 0 && at < width ? row[at] : 0;
      }
      y[i * w->output[1] + j] = sum * factor;
    }
  }
}

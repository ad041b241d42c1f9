#include "convolution.h"
#include "range.h"

#include <string.h>

void dl_byte_columns(uint8_t *to, const uint8_t *x, const dl_window *w, intptr_t channels,
                     intptr_t first, intptr_t n, uint8_t fill) {
  const intptr_t s = w->stride[2], row = w->output[2];
  const intptr_t plane = w->input[0] * w->input[1] * w->input[2];
  for (intptr_t channel = 0; channel < channels; channel++, x += plane)
    for (intptr_t a = 0; a < w->kernel[0]; a++)
      for (intptr_t b = 0; b < w->kernel[1]; b++)
        for (intptr_t c = 0; c < w->kernel[2]; c++, to += n) {
          const intptr_t offset = c * w->dilation[2] - w->pad[2];
          const intptr_t low = dl_first_inside(offset, s);
          const intptr_t high = dl_end_inside(offset, s, w->input[2], row);
          /* Stretches of one row of the output each. */
          intptr_t line = first / row, o = first % row;
          for (intptr_t done = 0; done < n; line++, o = 0) {
            const intptr_t count = row - o < n - done ? row - o : n - done;
            const intptr_t d =
                line / w->output[1] * w->stride[0] - w->pad[0] + a * w->dilation[0];
            const intptr_t h =
                line % w->output[1] * w->stride[1] - w->pad[1] + b * w->dilation[1];
            uint8_t *y = to + done - o;
            intptr_t i = o, end = o + count;
            done += count;
            if (d >= 0 && d < w->input[0] && h >= 0 && h < w->input[1]) {
              const uint8_t *from = x + (d * w->input[1] + h) * w->input[2];
              const intptr_t last = high < end ? high : end;
              for (; i < end && i < low; i++)
                y[i] = fill;
              if (s == 1 && i < last) {
                memcpy(y + i, from + offset + i, (size_t)(last - i));
                i = last;
              }
              if (s == 2)
                for (; i < last; i++)
                  y[i] = from[offset + 2 * i];
              for (; i < last; i++)
                y[i] = from[offset + i * s];
            }
            for (; i < end; i++)
              y[i] = fill;
          }
        }
}

#define NAME(f) f##__scalar
#include "byte_taps_body.h"
#undef NAME

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(f) f##__avx2
#include "byte_taps_body.h"
#undef NAME
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#define NAME(f) f##__avx512
#include "byte_taps_body.h"
#undef NAME
#pragma clang attribute pop
#endif

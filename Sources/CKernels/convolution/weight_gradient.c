#include "convolution.h"
#include "range.h"

#define WEIGHT_GRADIENT(NAME, T)                                                                   \
  DL_CONV_WEIGHT_GRADIENT(NAME, T) {                                                               \
    const intptr_t *k = w->kernel;                                                                 \
    const intptr_t s = w->stride[2];                                                               \
    for (intptr_t m = 0; m < outputs; m++)                                                         \
      for (intptr_t c = 0; c < channels; c++)                                                      \
        for (intptr_t a = 0; a < k[1]; a++)                                                        \
          for (intptr_t b = 0; b < k[2]; b++) {                                                    \
            const intptr_t offset = b * w->dilation[2] - w->pad[2];                                \
            const intptr_t lo = dl_first_inside(offset, s);                                        \
            const intptr_t hi = dl_end_inside(offset, s, w->input[2], w->output[2]);               \
            T sum = 0;                                                                             \
            for (intptr_t n = 0; n < images; n++)                                                  \
              for (intptr_t r = first; r < end; r++) {                                             \
                const intptr_t h = r * w->stride[1] - w->pad[1] + a * w->dilation[1];              \
                if (h < 0 || h >= w->input[1])                                                     \
                  continue;                                                                        \
                const T *row = x + n * x_image + (c * w->input[1] + h) * w->input[2];              \
                const T *up = dy + n * dy_image + (m * w->output[1] + r) * w->output[2];           \
                for (intptr_t j = lo; j < hi; j++)                                                 \
                  sum += up[j] * row[offset + j * s];                                              \
              }                                                                                    \
            T *to = dw + ((m * dw_channels + c) * k[1] + a) * k[2] + b;                            \
            *to = adds ? *to + sum : sum;                                                          \
          }                                                                                        \
  }

WEIGHT_GRADIENT(dl_conv_weight_gradient_f32__scalar, float)

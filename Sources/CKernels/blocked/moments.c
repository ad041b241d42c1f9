#include "blocked.h"

void dl_blocked_moments_f32__scalar(const float *x, intptr_t pixels, double *mean, double *spread,
                                    intptr_t lanes) {
  for (intptr_t l = 0; l < lanes; l++) {
    mean[l] = spread[l] = 0;
    for (intptr_t p = 0; p < pixels; p++)
      dl_join_moments((double)p, mean + l, spread + l, 1, x[p * lanes + l], 0);
  }
}

void dl_blocked_affine_f32__scalar(float *y, const float *x, intptr_t pixels, const float *scale,
                                   const float *shift, intptr_t lanes) {
  for (intptr_t p = 0; p < pixels; p++)
    for (intptr_t l = 0; l < lanes; l++)
      y[p * lanes + l] = x[p * lanes + l] * scale[l] + shift[l];
}

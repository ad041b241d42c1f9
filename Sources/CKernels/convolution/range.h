// The outputs along one axis whose tap lies inside the input.
#ifndef DL_CONVOLUTION_RANGE_H
#define DL_CONVOLUTION_RANGE_H
#include <stdint.h>

static inline intptr_t dl_ceil_div(intptr_t a, intptr_t b) {
  return a >= 0 ? (a + b - 1) / b : -(-a / b);
}

// The first o >= 0 with o * stride + offset >= 0.
static inline intptr_t dl_first_inside(intptr_t offset, intptr_t stride) {
  return offset >= 0 ? 0 : dl_ceil_div(-offset, stride);
}

// The end of the o < outputs with o * stride + offset < input.
static inline intptr_t dl_end_inside(intptr_t offset, intptr_t stride, intptr_t input,
                                     intptr_t outputs) {
  intptr_t end = dl_ceil_div(input - offset, stride);
  return end < 0 ? 0 : end < outputs ? end : outputs;
}

#endif

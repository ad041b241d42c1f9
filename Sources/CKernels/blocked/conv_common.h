// What the direct convolutions of all instruction sets share.
#ifndef DL_BLOCKED_CONV_COMMON_H
#define DL_BLOCKED_CONV_COMMON_H
#include "blocked.h"

// Applies the function that has no form in registers to a tile just written, still in the
// first-level cache.
static inline void dl_blocked_after(const dl_blocked_conv *c, intptr_t blocks, intptr_t height,
                                    intptr_t width, intptr_t lanes, float *out) {
  for (intptr_t j = 0; j < blocks; j++)
    for (intptr_t r = 0; r < height; r++) {
      float *y = out + j * c->out_block + r * c->out_row;
      c->after(y, y, (size_t)(width * lanes), c->numbers);
    }
}

// The taps along an axis that fall inside of the input at output o: a0 <= tap < a1, a0 <= a1.
static inline void dl_blocked_taps(const dl_blocked_depthwise *d, int axis, intptr_t o,
                                   intptr_t *a0, intptr_t *a1) {
  const intptr_t step = d->dilation[axis], at = o * d->stride[axis] - d->pad[axis];
  const intptr_t room = d->input[axis] - 1 - at;
  // A division costs more than a small window.
  const intptr_t least = at >= 0 ? 0 : step == 1 ? -at : (step - 1 - at) / step;
  const intptr_t most = room < 0 ? 0 : step == 1 ? room + 1 : room / step + 1;
  *a1 = most < d->taps[axis] ? most : d->taps[axis];
  *a0 = least < *a1 ? least : *a1;
}

static inline float dl_blocked_finish(int32_t form, float low, float high, float y) {
  if (form == DL_FORM_CLAMP) {
    y = y < low ? low : y;
    return y > high ? high : y;
  }
  if (form != DL_FORM_GATE)
    return y;
  float gate = y * low + high;
  gate = gate > 1.0f ? 1.0f : gate;
  return y * (gate < 0.0f ? 0.0f : gate);
}

#endif

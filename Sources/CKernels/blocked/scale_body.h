// Images times a factor a channel, for one instruction set. The file that includes it includes its
// vectors and defines NAME.
#include "blocked.h"

void NAME(float *to, intptr_t to_step, const float *from, intptr_t from_step, const float *factor,
          intptr_t blocks, intptr_t pixels) {
  for (intptr_t b = 0; b < blocks; b++) {
    const V f = LOAD(factor + b * LANES);
    float *y = to + b * to_step;
    const float *x = from + b * from_step;
    for (intptr_t p = 0; p < pixels; p++)
      STORE(y + p * LANES, MUL(LOAD(x + p * LANES), f));
  }
}

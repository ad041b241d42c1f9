// Mean and spread of the channels of blocked images, and images scaled and shifted, for one
// instruction set. The file that includes it includes its vectors and defines MOMENTS and AFFINE.
#include "blocked.h"

void MOMENTS(const float *x, intptr_t pixels, double *mean, double *spread) {
  for (int l = 0; l < LANES; l++)
    mean[l] = spread[l] = 0;
  // Each run is summed about its own mean while it lies in the first-level cache.
  for (intptr_t at = 0; at < pixels; at += DL_MOMENTS_RUN) {
    const intptr_t n = pixels - at < DL_MOMENTS_RUN ? pixels - at : DL_MOMENTS_RUN;
    const float *from = x + at * LANES;
    V s = SPLAT(0), t = SPLAT(0);
    intptr_t p = 0;
    for (; p + 2 <= n; p += 2) {
      s = ADD(s, LOAD(from + p * LANES));
      t = ADD(t, LOAD(from + (p + 1) * LANES));
    }
    if (p < n)
      s = ADD(s, LOAD(from + p * LANES));
    const V m = DIV(ADD(s, t), SPLAT((float)n));
    s = t = SPLAT(0);
    for (p = 0; p + 2 <= n; p += 2) {
      const V d = SUB(LOAD(from + p * LANES), m), e = SUB(LOAD(from + (p + 1) * LANES), m);
      s = FMA(d, d, s);
      t = FMA(e, e, t);
    }
    if (p < n) {
      const V d = SUB(LOAD(from + p * LANES), m);
      s = FMA(d, d, s);
    }
    float means[LANES], squares[LANES];
    STORE(means, m);
    STORE(squares, ADD(s, t));
    for (int l = 0; l < LANES; l++)
      dl_join_moments((double)at, mean + l, spread + l, (double)n, means[l], squares[l]);
  }
}

void AFFINE(float *y, const float *x, intptr_t pixels, const float *scale, const float *shift) {
  const V a = LOAD(scale), b = LOAD(shift);
  for (intptr_t p = 0; p < pixels; p++)
    STORE(y + p * LANES, FMA(LOAD(x + p * LANES), a, b));
}

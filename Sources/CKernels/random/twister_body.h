// Included once for each instruction set, with NAME appending its suffix. The compiler makes
// vectors of these loops.

#define TWIST(i, next, far)                                                                        \
  do {                                                                                             \
    const uint32_t y = (s[i] & 0x80000000u) | (s[next] & 0x7FFFFFFFu);                             \
    s[i] = s[far] ^ (y >> 1) ^ ((0u - (y & 1)) & 0x9908B0DFu);                                     \
  } while (0)

static inline __attribute__((always_inline)) uint32_t NAME(temper)(uint32_t y) {
  y ^= y >> 11;
  y ^= (y << 7) & 0x9D2C5680u;
  y ^= (y << 15) & 0xEFC60000u;
  return y ^ (y >> 18);
}

void NAME(dl_twister_uniform)(uint32_t *s, double *y) {
  for (int i = 0; i < 227; i++)
    TWIST(i, i + 1, i + 397);
  for (int i = 227; i < 623; i++)
    TWIST(i, i + 1, i - 227);
  TWIST(623, 0, 396);
  for (int i = 0; i < 312; i++) {
    const double a = (double)(int32_t)(NAME(temper)(s[2 * i]) >> 5);
    const double b = (double)(int32_t)(NAME(temper)(s[2 * i + 1]) >> 6);
    y[i] = (a * 0x1p26 + b) * 0x1p-53;
  }
}

void NAME(dl_drop_f32)(intptr_t n, const double *drawn, double ratio, float scale, const float *x,
                       float *y, uint8_t *mask) {
  if (mask)
    for (intptr_t i = 0; i < n; i++)
      mask[i] = drawn[i] >= ratio;
  for (intptr_t i = 0; i < n; i++)
    y[i] = x[i] * (drawn[i] >= ratio ? scale : 0.0f);
}

int NAME(dl_bernoulli_f32)(intptr_t n, const double *drawn, const float *x, float *y) {
  int32_t outside = 0;
  for (intptr_t i = 0; i < n; i++) {
    outside |= !((x[i] >= 0.0f) & (x[i] <= 1.0f));
    y[i] = drawn[i] < (double)x[i] ? 1.0f : 0.0f;
  }
  return outside;
}

#undef TWIST

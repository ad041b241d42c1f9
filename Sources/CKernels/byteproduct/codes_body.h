// Included once for each instruction set, with NAME appending its suffix and FUSED(x, y, z) being
// x y + z rounded once. The compiler makes vectors of these loops.

#define CODE(p, i, s, is_signed) ((float)((is_signed) ? (int8_t)(p)[(i) * (s)] : (p)[(i) * (s)]))
#define SUM(SA, SB, SIGNED)                                                                        \
  for (intptr_t i = 0; i < n; i++) {                                                               \
    const float u = CODE(a, i, SA, SIGNED), v = CODE(b, i, SB, SIGNED);                            \
    y[i] = NAME(code)(FUSED(u, ra, FUSED(v, rb, fixed)), low, high);                               \
  }
#define PRODUCT(SA, SB, SIGNED)                                                                    \
  for (intptr_t i = 0; i < n; i++) {                                                               \
    const float u = CODE(a, i, SA, SIGNED) - ra, v = CODE(b, i, SB, SIGNED) - rb;                  \
    y[i] = NAME(code)(u * v * fixed + zero, low, high);                                            \
  }
#define BY_STRIDES(LOOP, SIGNED)                                                                   \
  if (sa == 1 && sb == 1)                                                                          \
    LOOP(1, 1, SIGNED)                                                                             \
  else if (sa == 1)                                                                                \
    LOOP(1, 0, SIGNED)                                                                             \
  else if (sb == 1)                                                                                \
    LOOP(0, 1, SIGNED)                                                                             \
  else                                                                                             \
    LOOP(0, 0, SIGNED)

// The nearest integer, ties to even; NaN gives the least.
static inline __attribute__((always_inline)) uint8_t NAME(code)(float v, float low, float high) {
  v = v > low ? v : low;
  v = v < high ? v : high;
  const float moved = v + 12582912.0f;
  int32_t bits;
  memcpy(&bits, &moved, 4);
  return (uint8_t)bits;
}

void NAME(dl_codes_sum)(intptr_t n, const uint8_t *a, intptr_t sa, float ra, const uint8_t *b,
                        intptr_t sb, float rb, float fixed, int is_signed, uint8_t *y) {
  const float low = is_signed ? -128.0f : 0.0f, high = low + 255.0f;
  if (is_signed) {
    BY_STRIDES(SUM, 1)
  } else {
    BY_STRIDES(SUM, 0)
  }
}

void NAME(dl_codes_product)(intptr_t n, const uint8_t *a, intptr_t sa, float ra, const uint8_t *b,
                            intptr_t sb, float rb, float fixed, float zero, int is_signed,
                            uint8_t *y) {
  const float low = is_signed ? -128.0f : 0.0f, high = low + 255.0f;
  if (is_signed) {
    BY_STRIDES(PRODUCT, 1)
  } else {
    BY_STRIDES(PRODUCT, 0)
  }
}

#undef CODE
#undef SUM
#undef PRODUCT
#undef BY_STRIDES

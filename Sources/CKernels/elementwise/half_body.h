// float16 and bfloat16 to and from float32, a tile at a time.

static inline float DL_FN(widen, f16)(uint16_t h) {
  uint32_t rest = h & 0x7fff;
  // The exponent lands 112 too low; the product also brings subnormals into place.
  uint32_t finite = dl_bits(dl_float(rest << 13) * 0x1p112f);
  uint32_t special = (rest << 13) | 0x7f800000 | (rest > 0x7c00 ? 0x400000 : 0);
  return dl_float((uint32_t)(h & 0x8000) << 16 | (rest >= 0x7c00 ? special : finite));
}

static inline uint16_t DL_FN(narrow, f16)(float x) {
  uint32_t u = dl_bits(x), sign = u >> 16 & 0x8000;
  u &= 0x7fffffff;
  uint32_t normal = (u + 0xc8000fff + (u >> 13 & 1)) >> 13;
  // The unit in the last place of 0.5f is that of subnormal halves, so the sum rounds there.
  uint32_t subnormal = dl_bits(dl_float(u) + 0.5f) - 0x3f000000;
  uint32_t nan = 0x7e00 | (u >> 13 & 0x1ff);
  uint32_t r = u < 0x38800000 ? subnormal : normal;
  r = u >= 0x477ff000 ? 0x7c00 : r;
  r = u > 0x7f800000 ? nan : r;
  return (uint16_t)(sign | r);
}

static void DL_FN(load, f16)(const void *xp, float *y, size_t n) {
  const uint16_t *x = xp;
  size_t i = 0;
#ifdef DL_F16C
  for (; i + 8 <= n; i += 8)
    _mm256_storeu_ps(y + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(x + i))));
#endif
  for (; i < n; i++)
    y[i] = DL_FN(widen, f16)(x[i]);
}

static void DL_FN(store, f16)(const float *x, void *yp, size_t n) {
  uint16_t *y = yp;
  size_t i = 0;
#ifdef DL_F16C
  for (; i + 8 <= n; i += 8)
    _mm_storeu_si128((__m128i *)(y + i),
                     _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
#endif
  for (; i < n; i++)
    y[i] = DL_FN(narrow, f16)(x[i]);
}

static void DL_FN(load, bf16)(const void *xp, float *y, size_t n) {
  const uint16_t *x = xp;
  for (size_t i = 0; i < n; i++)
    y[i] = dl_float((uint32_t)x[i] << 16);
}

static void DL_FN(store, bf16)(const float *x, void *yp, size_t n) {
  uint16_t *y = yp;
  for (size_t i = 0; i < n; i++) {
    uint32_t u = dl_bits(x[i]);
    uint32_t rounded = (u + 0x7fff + (u >> 16 & 1)) >> 16;
    y[i] = (uint16_t)((u & 0x7fffffff) > 0x7f800000 ? (u >> 16 | 0x40) : rounded);
  }
}

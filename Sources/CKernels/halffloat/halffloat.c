#include "../include/halffloat.h"
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

static float widen(uint16_t h) {
  uint32_t sign = (uint32_t)(h & 0x8000) << 16, e = (h >> 10) & 31, f = h & 1023, bits;
  if (e == 31) {
    bits = sign | 0x7F800000 | f << 13;
  } else if (e == 0) {
    // A subnormal is f times 2^-24, which float32 holds exactly.
    float v = (float)f * 0x1p-24f;
    memcpy(&bits, &v, 4);
    bits |= sign;
  } else {
    bits = sign | (e + 112) << 23 | f << 13;
  }
  float y;
  memcpy(&y, &bits, 4);
  return y;
}

static uint16_t narrow(float v) {
  uint32_t bits;
  memcpy(&bits, &v, 4);
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  bits &= 0x7FFFFFFF;
  if (bits > 0x7F800000)
    return sign | 0x7E00 | (uint16_t)(bits >> 13 & 0x3FF);
  if (bits >= 0x477FF000)
    return sign | 0x7C00;
  if (bits < 0x38800000) {
    // Adding 0.5 shifts a subnormal's last place to that of the sum, rounding on the way.
    float a;
    memcpy(&a, &bits, 4);
    a += 0.5f;
    memcpy(&bits, &a, 4);
    return sign | (uint16_t)(bits - 0x3F000000);
  }
  bits += 0xFFF + (bits >> 13 & 1);
  return sign | (uint16_t)((bits - 0x38000000) >> 13);
}

void dl_widen_f16_f32__scalar(const uint16_t *x, float *y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++)
    y[i] = widen(x[i]);
}
void dl_narrow_f32_f16__scalar(const float *x, uint16_t *y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++)
    y[i] = narrow(x[i]);
}

#if defined(__x86_64__)
__attribute__((target("avx2,f16c"))) void dl_widen_f16_f32__avx2(const uint16_t *x, float *y,
                                                                 ptrdiff_t n) {
  ptrdiff_t i = 0;
  for (; i + 8 <= n; i += 8)
    _mm256_storeu_ps(y + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(x + i))));
  for (; i < n; i++)
    y[i] = widen(x[i]);
}
__attribute__((target("avx2,f16c"))) void dl_narrow_f32_f16__avx2(const float *x, uint16_t *y,
                                                                  ptrdiff_t n) {
  ptrdiff_t i = 0;
  for (; i + 8 <= n; i += 8)
    _mm_storeu_si128((__m128i *)(y + i), _mm256_cvtps_ph(_mm256_loadu_ps(x + i), 0));
  for (; i < n; i++)
    y[i] = narrow(x[i]);
}
#else
void dl_widen_f16_f32__avx2(const uint16_t *x, float *y, ptrdiff_t n) {
  dl_widen_f16_f32__scalar(x, y, n);
}
void dl_narrow_f32_f16__avx2(const float *x, uint16_t *y, ptrdiff_t n) {
  dl_narrow_f32_f16__scalar(x, y, n);
}
#endif

void dl_widen_bf16_f32__scalar(const uint16_t *x, float *y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) {
    uint32_t bits = (uint32_t)x[i] << 16;
    memcpy(y + i, &bits, 4);
  }
}
void dl_narrow_f32_bf16__scalar(const float *x, uint16_t *y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, 4);
    if ((bits & 0x7FFFFFFF) > 0x7F800000)
      y[i] = (uint16_t)(bits >> 16 | 0x40);
    else
      y[i] = (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
  }
}

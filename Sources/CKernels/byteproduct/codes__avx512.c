#include "byteproduct.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#pragma clang fp contract(off)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)

// 64 codes as float32, 16 a vector.
typedef struct {
  __m512 v[4];
} codes;

static inline __attribute__((always_inline)) codes spread(__m512i x, int is_signed) {
  codes c;
  const __m128i part[4] = {_mm512_castsi512_si128(x), _mm512_extracti32x4_epi32(x, 1),
                           _mm512_extracti32x4_epi32(x, 2), _mm512_extracti32x4_epi32(x, 3)};
  for (int i = 0; i < 4; i++)
    c.v[i] = _mm512_cvtepi32_ps(is_signed ? _mm512_cvtepi8_epi32(part[i])
                                          : _mm512_cvtepu8_epi32(part[i]));
  return c;
}

// Whole vectors are widened as they are loaded.
static inline __attribute__((always_inline)) codes load(const uint8_t *p, int is_signed) {
  codes c;
  for (int i = 0; i < 4; i++) {
    const __m128i x = _mm_loadu_si128((const __m128i *)(p + 16 * i));
    c.v[i] = _mm512_cvtepi32_ps(is_signed ? _mm512_cvtepi8_epi32(x) : _mm512_cvtepu8_epi32(x));
  }
  return c;
}

static inline __attribute__((always_inline)) codes same(const uint8_t *p, int is_signed) {
  const __m512 x = _mm512_set1_ps(is_signed ? (float)(int8_t)*p : (float)*p);
  return (codes){{x, x, x, x}};
}

// The nearest integers, ties to even, saturated; NaN becomes the least. Conversions give the least
// integer where a number is too small or none, so only the upper end is held before.
static inline __attribute__((always_inline)) __m512i round64(codes c, int is_signed) {
  const __m512 high = _mm512_set1_ps(is_signed ? 127.0f : 255.0f);
  __m512i n[4];
  for (int i = 0; i < 4; i++)
    n[i] = _mm512_cvtps_epi32(_mm512_min_ps(high, c.v[i]));
  const __m512i a = _mm512_packs_epi32(n[0], n[1]), b = _mm512_packs_epi32(n[2], n[3]);
  const __m512i y = is_signed ? _mm512_packs_epi16(a, b) : _mm512_packus_epi16(a, b);
  // Lane l has four codes of each vector, those of its lane l.
  return _mm512_permutexvar_epi32(
      _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), y);
}

static inline __attribute__((always_inline)) codes add(codes a, codes b, __m512 ra, __m512 rb,
                                                       __m512 fixed) {
  codes y;
  for (int i = 0; i < 4; i++)
    y.v[i] = _mm512_fmadd_ps(a.v[i], ra, _mm512_fmadd_ps(b.v[i], rb, fixed));
  return y;
}

static inline __attribute__((always_inline)) codes multiply(codes a, codes b, __m512 ra, __m512 rb,
                                                            __m512 fixed, __m512 zero) {
  codes y;
  for (int i = 0; i < 4; i++) {
    const __m512 t = _mm512_mul_ps(_mm512_sub_ps(a.v[i], ra), _mm512_sub_ps(b.v[i], rb));
    y.v[i] = _mm512_add_ps(_mm512_mul_ps(t, fixed), zero);
  }
  return y;
}

// `n` codes of two rows, of which strides say what is read once; RESULT is of codes u and v.
#define ROWS(SA, SB, SIGNED, RESULT)                                                               \
  {                                                                                                \
    codes u = {0}, v = {0};                                                                        \
    if (!(SA))                                                                                     \
      u = same(a, SIGNED);                                                                         \
    if (!(SB))                                                                                     \
      v = same(b, SIGNED);                                                                         \
    intptr_t i = 0;                                                                                \
    for (; i + 64 <= n; i += 64) {                                                                 \
      if (SA)                                                                                      \
        u = load(a + i, SIGNED);                                                                   \
      if (SB)                                                                                      \
        v = load(b + i, SIGNED);                                                                   \
      _mm512_storeu_si512(y + i, round64(RESULT, SIGNED));                                         \
    }                                                                                              \
    if (i < n) {                                                                                   \
      const __mmask64 k = ~0ull >> (64 - (n - i));                                                 \
      if (SA)                                                                                      \
        u = spread(_mm512_maskz_loadu_epi8(k, a + i), SIGNED);                                     \
      if (SB)                                                                                      \
        v = spread(_mm512_maskz_loadu_epi8(k, b + i), SIGNED);                                     \
      _mm512_mask_storeu_epi8(y + i, k, round64(RESULT, SIGNED));                                  \
    }                                                                                              \
  }
#define BY_STRIDES(SIGNED, RESULT)                                                                 \
  if (sa && sb)                                                                                    \
    ROWS(1, 1, SIGNED, RESULT)                                                                     \
  else if (sa)                                                                                     \
    ROWS(1, 0, SIGNED, RESULT)                                                                     \
  else if (sb)                                                                                     \
    ROWS(0, 1, SIGNED, RESULT)                                                                     \
  else                                                                                             \
    ROWS(0, 0, SIGNED, RESULT)

void dl_codes_sum__avx512(intptr_t n, const uint8_t *a, intptr_t sa, float ra, const uint8_t *b,
                          intptr_t sb, float rb, float fixed, int is_signed, uint8_t *y) {
  const __m512 p = _mm512_set1_ps(ra), q = _mm512_set1_ps(rb), r = _mm512_set1_ps(fixed);
  if (is_signed) {
    BY_STRIDES(1, add(u, v, p, q, r))
  } else {
    BY_STRIDES(0, add(u, v, p, q, r))
  }
}

void dl_codes_product__avx512(intptr_t n, const uint8_t *a, intptr_t sa, float ra, const uint8_t *b,
                              intptr_t sb, float rb, float fixed, float zero, int is_signed,
                              uint8_t *y) {
  const __m512 p = _mm512_set1_ps(ra), q = _mm512_set1_ps(rb), r = _mm512_set1_ps(fixed);
  const __m512 z = _mm512_set1_ps(zero);
  if (is_signed) {
    BY_STRIDES(1, multiply(u, v, p, q, r, z))
  } else {
    BY_STRIDES(0, multiply(u, v, p, q, r, z))
  }
}

#pragma clang attribute pop
#endif

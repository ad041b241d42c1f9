#include "blocked.h"

#include <string.h>

void dl_to_blocked_f32__scalar(float *to, const float *from, intptr_t pixels, intptr_t plane,
                               intptr_t channels, intptr_t lanes) {
  for (intptr_t p = 0; p < pixels; p++)
    for (intptr_t l = 0; l < lanes; l++)
      to[p * lanes + l] = l < channels ? from[l * plane + p] : 0.0f;
}

void dl_from_blocked_f32__scalar(float *to, const float *from, intptr_t pixels, intptr_t plane,
                                 intptr_t channels, intptr_t lanes) {
  for (intptr_t l = 0; l < channels; l++)
    for (intptr_t p = 0; p < pixels; p++)
      to[l * plane + p] = from[p * lanes + l];
}

#if defined(__x86_64__)
#include <immintrin.h>

#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

INLINE void transpose8(__m256 *r) {
  __m256 s[8];
  UNROLL for (int i = 0; i < 8; i += 2) {
    s[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    s[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  UNROLL for (int i = 0; i < 8; i += 4) {
    r[i] = _mm256_shuffle_ps(s[i], s[i + 2], 0x44);
    r[i + 1] = _mm256_shuffle_ps(s[i], s[i + 2], 0xEE);
    r[i + 2] = _mm256_shuffle_ps(s[i + 1], s[i + 3], 0x44);
    r[i + 3] = _mm256_shuffle_ps(s[i + 1], s[i + 3], 0xEE);
  }
  UNROLL for (int i = 0; i < 4; i++) {
    const __m256 low = r[i], high = r[i + 4];
    s[i] = _mm256_permute2f128_ps(low, high, 0x20);
    s[i + 4] = _mm256_permute2f128_ps(low, high, 0x31);
  }
  UNROLL for (int i = 0; i < 8; i++) r[i] = s[i];
}

// Lanes below n.
INLINE __m256i first8(intptr_t n) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(n < 8 ? n : 8)), lane);
}

void dl_to_blocked_f32__avx2(float *to, const float *from, intptr_t pixels, intptr_t plane,
                             intptr_t channels, intptr_t lanes) {
  (void)lanes;
  for (intptr_t p = 0; p < pixels; p += 8) {
    const intptr_t count = pixels - p < 8 ? pixels - p : 8;
    const __m256i mask = first8(count);
    __m256 r[8];
    UNROLL for (int l = 0; l < 8; l++) r[l] =
        l < channels ? _mm256_maskload_ps(from + l * plane + p, mask) : _mm256_setzero_ps();
    transpose8(r);
    UNROLL for (int i = 0; i < 8; i++) if (i < count) _mm256_storeu_ps(to + (p + i) * 8, r[i]);
  }
}

void dl_from_blocked_f32__avx2(float *to, const float *from, intptr_t pixels, intptr_t plane,
                               intptr_t channels, intptr_t lanes) {
  (void)lanes;
  for (intptr_t p = 0; p < pixels; p += 8) {
    const intptr_t count = pixels - p < 8 ? pixels - p : 8;
    const __m256i mask = first8(count);
    __m256 r[8];
    UNROLL for (int i = 0; i < 8; i++) r[i] =
        i < count ? _mm256_loadu_ps(from + (p + i) * 8) : _mm256_setzero_ps();
    transpose8(r);
    UNROLL for (int l = 0; l < 8; l++) if (l < channels)
        _mm256_maskstore_ps(to + l * plane + p, mask, r[l]);
  }
}

#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi2"))),   \
                             apply_to = function)

INLINE void transpose16(__m512 *r) {
  __m512 s[16];
  UNROLL for (int i = 0; i < 16; i += 2) {
    s[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
    s[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
  }
  UNROLL for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_shuffle_ps(s[i], s[i + 2], 0x44);
    r[i + 1] = _mm512_shuffle_ps(s[i], s[i + 2], 0xEE);
    r[i + 2] = _mm512_shuffle_ps(s[i + 1], s[i + 3], 0x44);
    r[i + 3] = _mm512_shuffle_ps(s[i + 1], s[i + 3], 0xEE);
  }
  UNROLL for (int i = 0; i < 4; i++) {
    s[i] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
    s[i + 4] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xDD);
    s[i + 8] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
    s[i + 12] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xDD);
  }
  UNROLL for (int i = 0; i < 8; i++) {
    r[i] = _mm512_shuffle_f32x4(s[i], s[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_f32x4(s[i], s[i + 8], 0xDD);
  }
}

void dl_to_blocked_f32__avx512(float *to, const float *from, intptr_t pixels, intptr_t plane,
                               intptr_t channels, intptr_t lanes) {
  (void)lanes;
  for (intptr_t p = 0; p < pixels; p += 16) {
    const intptr_t count = pixels - p < 16 ? pixels - p : 16;
    const __mmask16 mask = (__mmask16)(0xFFFFu >> (16 - count));
    __m512 r[16];
    UNROLL for (int l = 0; l < 16; l++) r[l] =
        l < channels ? _mm512_maskz_loadu_ps(mask, from + l * plane + p) : _mm512_setzero_ps();
    transpose16(r);
    UNROLL for (int i = 0; i < 16; i++) if (i < count) _mm512_storeu_ps(to + (p + i) * 16, r[i]);
  }
}

void dl_from_blocked_f32__avx512(float *to, const float *from, intptr_t pixels, intptr_t plane,
                                 intptr_t channels, intptr_t lanes) {
  (void)lanes;
  for (intptr_t p = 0; p < pixels; p += 16) {
    const intptr_t count = pixels - p < 16 ? pixels - p : 16;
    const __mmask16 mask = (__mmask16)(0xFFFFu >> (16 - count));
    __m512 r[16];
    UNROLL for (int i = 0; i < 16; i++) r[i] =
        i < count ? _mm512_loadu_ps(from + (p + i) * 16) : _mm512_setzero_ps();
    transpose16(r);
    UNROLL for (int l = 0; l < 16; l++) if (l < channels)
        _mm512_mask_storeu_ps(to + l * plane + p, mask, r[l]);
  }
}

#pragma clang attribute pop
#endif

#include "../include/byte_images.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#pragma clang attribute push(                                                                      \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma"))),                  \
    apply_to = function)

#include "vectors_512.h"

// The first n <= 32 bytes from p, and in the upper half those from q.
INLINE V dl_two_rows(const uint8_t *p, const uint8_t *q, intptr_t n) {
  const __mmask32 m = n >= 32 ? ~0u : (1u << n) - 1;
  return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_maskz_loadu_epi8(m, p)),
                            _mm256_maskz_loadu_epi8(m, q), 1);
}

#define MOST 4
#define WEIGHT_VECTORS 1
#define DOT(sum, four, w) _mm512_dpbusd_epi32(sum, four, LOAD(w))
#define HALF_TWICE(p) _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)(p)))
#define DOT_TWICE(sum, four, w) _mm512_dpbusd_epi32(sum, four, HALF_TWICE(w))
#define HALVES(a, b) _mm512_mask_blend_epi32(0xFF00, a, b)
#define UPPER_HALF(v) _mm512_shuffle_i64x2(v, v, 0x4E)
#define DOT_GROUPS
#define TWO_ROWS(p, q, n) dl_two_rows(p, q, n)
// Bytes 4 s to 4 s + 3 of each quarter, four times.
#define QUARTERS(v, s)                                                                             \
  ((s) == 0   ? _mm512_shuffle_epi32(v, 0x00)                                                      \
   : (s) == 1 ? _mm512_shuffle_epi32(v, 0x55)                                                      \
   : (s) == 2 ? _mm512_shuffle_epi32(v, 0xAA)                                                      \
              : _mm512_shuffle_epi32(v, 0xFF))
#define CONV dl_byte_conv_u8s8__avx512vnni
#include "conv_body.h"

#pragma clang attribute pop
#endif

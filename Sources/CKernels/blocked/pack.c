#include "blocked.h"

#include <string.h>

// Weights of one group of outputs, packed by transposing: the plain form is in prepare.c. Row i of
// the source's columns, i = channel * taps + tap, goes to its place among the packed rows, which
// are blocks * lanes wide.

#if defined(__x86_64__)
#include <immintrin.h>
#define UNROLL _Pragma("clang loop unroll(full)")

// Where the packed rows lie: that of a channel and tap, and the step to the next tap.
typedef struct rows {
  intptr_t taps, steps, channels, width;
} rows;

static inline intptr_t row_of(const rows *r, intptr_t c, intptr_t t) {
  const intptr_t block = c / r->steps, rest = r->channels - block * r->steps;
  const intptr_t depth = r->steps == 1 ? 1 : rest < r->steps ? (rest + 3) / 4 * 4 : r->steps;
  return (block * r->steps * r->taps + t * depth + c % r->steps) * r->width;
}

// Zeros for the channels that fill the last block up to a multiple of four.
static void clear_rest(float *to, const dl_blocked_weights *k, const rows *r) {
  if (r->steps == 1)
    return;
  for (intptr_t c = k->channels; c % 4 != 0; c++)
    for (intptr_t t = 0; t < k->taps; t++)
      memset(to + row_of(r, c, t), 0, (size_t)r->width * sizeof(float));
}

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
void dl_blocked_pack_f32__avx512(float *to, const dl_blocked_weights *k) {
  const rows where = {k->taps, k->is_plain ? 1 : k->lanes, k->channels, k->blocks * k->lanes};
  const intptr_t length = k->channels * k->taps;
  clear_rest(to, k, &where);
  for (intptr_t m = 0; m < where.width; m += 16) {
    const intptr_t count = k->outputs - m;
    const float *from = k->weights + m * length;
    intptr_t c = 0, t = 0;
    for (intptr_t p = 0; p < length; p += 16) {
      const intptr_t n = length - p < 16 ? length - p : 16;
      const __mmask16 along = n == 16 ? 0xFFFF : (__mmask16)((1u << n) - 1);
      __m512i r[16], x[16];
      UNROLL for (int j = 0; j < 16; j++) r[j] =
          j < count ? _mm512_maskz_loadu_epi32(along, from + j * length + p)
                    : _mm512_setzero_si512();
      UNROLL for (int j = 0; j < 16; j += 2) {
        x[j] = _mm512_unpacklo_epi32(r[j], r[j + 1]);
        x[j + 1] = _mm512_unpackhi_epi32(r[j], r[j + 1]);
      }
      UNROLL for (int j = 0; j < 16; j += 4) {
        r[j] = _mm512_unpacklo_epi64(x[j], x[j + 2]);
        r[j + 1] = _mm512_unpackhi_epi64(x[j], x[j + 2]);
        r[j + 2] = _mm512_unpacklo_epi64(x[j + 1], x[j + 3]);
        r[j + 3] = _mm512_unpackhi_epi64(x[j + 1], x[j + 3]);
      }
      UNROLL for (int q = 0; q < 4; q++) {
        x[q] = _mm512_shuffle_i32x4(r[q], r[4 + q], 0x88);
        x[4 + q] = _mm512_shuffle_i32x4(r[q], r[4 + q], 0xDD);
        x[8 + q] = _mm512_shuffle_i32x4(r[8 + q], r[12 + q], 0x88);
        x[12 + q] = _mm512_shuffle_i32x4(r[8 + q], r[12 + q], 0xDD);
      }
      UNROLL for (int q = 0; q < 4; q++) {
        r[q] = _mm512_shuffle_i32x4(x[q], x[8 + q], 0x88);
        r[8 + q] = _mm512_shuffle_i32x4(x[q], x[8 + q], 0xDD);
        r[4 + q] = _mm512_shuffle_i32x4(x[4 + q], x[12 + q], 0x88);
        r[12 + q] = _mm512_shuffle_i32x4(x[4 + q], x[12 + q], 0xDD);
      }
      for (int i = 0; i < n; i++) {
        _mm512_storeu_si512(to + row_of(&where, c, t) + m, r[i]);
        if (++t == k->taps) {
          t = 0;
          c++;
        }
      }
    }
  }
}
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
void dl_blocked_pack_f32__avx2(float *to, const dl_blocked_weights *k) {
  const rows where = {k->taps, k->is_plain ? 1 : k->lanes, k->channels, k->blocks * k->lanes};
  const intptr_t length = k->channels * k->taps;
  clear_rest(to, k, &where);
  const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  for (intptr_t m = 0; m < where.width; m += 8) {
    const intptr_t count = k->outputs - m;
    const float *from = k->weights + m * length;
    intptr_t c = 0, t = 0;
    for (intptr_t p = 0; p < length; p += 8) {
      const intptr_t n = length - p < 8 ? length - p : 8;
      const __m256i along = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), index);
      __m256 r[8], x[8];
      UNROLL for (int j = 0; j < 8; j++) r[j] =
          j < count ? _mm256_maskload_ps(from + j * length + p, along) : _mm256_setzero_ps();
      UNROLL for (int j = 0; j < 8; j += 2) {
        x[j] = _mm256_unpacklo_ps(r[j], r[j + 1]);
        x[j + 1] = _mm256_unpackhi_ps(r[j], r[j + 1]);
      }
      UNROLL for (int j = 0; j < 8; j += 4) {
        r[j] = _mm256_shuffle_ps(x[j], x[j + 2], 0x44);
        r[j + 1] = _mm256_shuffle_ps(x[j], x[j + 2], 0xEE);
        r[j + 2] = _mm256_shuffle_ps(x[j + 1], x[j + 3], 0x44);
        r[j + 3] = _mm256_shuffle_ps(x[j + 1], x[j + 3], 0xEE);
      }
      UNROLL for (int q = 0; q < 4; q++) {
        x[q] = _mm256_permute2f128_ps(r[q], r[4 + q], 0x20);
        x[4 + q] = _mm256_permute2f128_ps(r[q], r[4 + q], 0x31);
      }
      for (int i = 0; i < n; i++) {
        _mm256_storeu_ps(to + row_of(&where, c, t) + m, x[i]);
        if (++t == k->taps) {
          t = 0;
          c++;
        }
      }
    }
  }
}
#pragma clang attribute pop
#endif

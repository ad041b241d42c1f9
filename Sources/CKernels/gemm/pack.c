#include "gemm.h"

#include <string.h>

#define PACK(NAME, T)                                                                              \
  void NAME(T *to, intptr_t width, const T *from, intptr_t count, intptr_t across, intptr_t k,     \
            intptr_t along) {                                                                      \
    if (across == 1) {                                                                             \
      for (intptr_t i = 0; i < k; i++, to += width, from += along) {                               \
        if (count > 0)                                                                             \
          memcpy(to, from, (size_t)count * sizeof(T));                                             \
        if (width > count)                                                                         \
          memset(to + count, 0, (size_t)(width - count) * sizeof(T));                              \
      }                                                                                            \
      return;                                                                                      \
    }                                                                                              \
    /* Blocks of a cache line along the source keep its lines in the cache. */                     \
    for (intptr_t i0 = 0; i0 < k; i0 += 16) {                                                      \
      const intptr_t end = k - i0 < 16 ? k : i0 + 16;                                              \
      for (intptr_t j = 0; j < width; j++)                                                         \
        for (intptr_t i = i0; i < end; i++)                                                        \
          to[i * width + j] = j < count ? from[j * across + i * along] : 0;                        \
    }                                                                                              \
  }

PACK(dl_pack_32__scalar, uint32_t)
PACK(dl_pack_64__scalar, uint64_t)

#if defined(__x86_64__)
#include <immintrin.h>
#define UNROLL _Pragma("clang loop unroll(full)")

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
void dl_pack_32__avx512_transpose(uint32_t *to, intptr_t width, const uint32_t *from,
                                  intptr_t count, intptr_t across, intptr_t k) {
  const intptr_t stored = width < 16 ? width : 16;
  const __mmask16 columns = stored == 16 ? 0xFFFF : (__mmask16)((1u << stored) - 1);
  for (intptr_t p = 0; p < k; p += 16) {
    const intptr_t rows = k - p < 16 ? k - p : 16;
    const __mmask16 along = rows == 16 ? 0xFFFF : (__mmask16)((1u << rows) - 1);
    __m512i r[16], t[16];
    UNROLL for (int j = 0; j < 16; j++) r[j] =
        j < count ? _mm512_maskz_loadu_epi32(along, from + j * across + p) : _mm512_setzero_si512();
    UNROLL for (int j = 0; j < 16; j += 2) {
      t[j] = _mm512_unpacklo_epi32(r[j], r[j + 1]);
      t[j + 1] = _mm512_unpackhi_epi32(r[j], r[j + 1]);
    }
    UNROLL for (int j = 0; j < 16; j += 4) {
      r[j] = _mm512_unpacklo_epi64(t[j], t[j + 2]);
      r[j + 1] = _mm512_unpackhi_epi64(t[j], t[j + 2]);
      r[j + 2] = _mm512_unpacklo_epi64(t[j + 1], t[j + 3]);
      r[j + 3] = _mm512_unpackhi_epi64(t[j + 1], t[j + 3]);
    }
    // r[4g + q] holds, in its 128-bit part s, elements 4s + q of source rows 4g to 4g + 3.
    UNROLL for (int q = 0; q < 4; q++) {
      t[q] = _mm512_shuffle_i32x4(r[q], r[4 + q], 0x88);
      t[4 + q] = _mm512_shuffle_i32x4(r[q], r[4 + q], 0xDD);
      t[8 + q] = _mm512_shuffle_i32x4(r[8 + q], r[12 + q], 0x88);
      t[12 + q] = _mm512_shuffle_i32x4(r[8 + q], r[12 + q], 0xDD);
    }
    UNROLL for (int q = 0; q < 4; q++) {
      r[q] = _mm512_shuffle_i32x4(t[q], t[8 + q], 0x88);
      r[8 + q] = _mm512_shuffle_i32x4(t[q], t[8 + q], 0xDD);
      r[4 + q] = _mm512_shuffle_i32x4(t[4 + q], t[12 + q], 0x88);
      r[12 + q] = _mm512_shuffle_i32x4(t[4 + q], t[12 + q], 0xDD);
    }
    UNROLL for (int i = 0; i < 16; i++) {
      if (i < rows)
        _mm512_mask_storeu_epi32(to + (p + i) * width, columns, r[i]);
    }
  }
}

void dl_pack_32__avx512_rows(uint32_t *to, intptr_t width, const uint32_t *from, intptr_t count,
                             intptr_t k, intptr_t along) {
  // Masked stores that follow each other closely are slow. Narrow rows are stored as eight elements
  // of which the next row overwrites the rest, as long as there is a next one.
  if (width <= 8 && count == width) {
    const __mmask8 in = (__mmask8)((1u << count) - 1);
    const intptr_t whole = k - (7 + width) / width;
    intptr_t i = 0;
    for (; i < whole; i++, from += along, to += width)
      _mm256_storeu_si256((__m256i *)to, _mm256_maskz_loadu_epi32(in, from));
    for (; i < k; i++, from += along, to += width)
      _mm256_mask_storeu_epi32(to, in, _mm256_maskz_loadu_epi32(in, from));
    return;
  }
  for (intptr_t j = 0; j < width; j += 16) {
    const intptr_t stored = width - j < 16 ? width - j : 16;
    const intptr_t read = count - j < 0 ? 0 : count - j < 16 ? count - j : 16;
    const __mmask16 in = (__mmask16)((1u << read) - 1), out = (__mmask16)((1u << stored) - 1);
    const uint32_t *f = from + j;
    uint32_t *t = to + j;
    if (read == 16) {
      for (intptr_t i = 0; i < k; i++, f += along, t += width)
        _mm512_storeu_si512(t, _mm512_loadu_si512(f));
      continue;
    }
    for (intptr_t i = 0; i < k; i++, f += along, t += width)
      _mm512_mask_storeu_epi32(t, out, _mm512_maskz_loadu_epi32(in, f));
  }
}

void dl_pack_panels_32__avx512(uint32_t *to, intptr_t step, const uint32_t *from, intptr_t columns,
                               intptr_t k, intptr_t along) {
  for (intptr_t i = 0; i < k; i++, from += along, to += 64) {
    uint32_t *t = to;
    intptr_t j = 0;
    for (; j + 64 <= columns; j += 64, t += step)
      UNROLL for (int q = 0; q < 64; q += 16)
          _mm512_storeu_si512(t + q, _mm512_loadu_si512(from + j + q));
    for (intptr_t q = 0; j < columns && q < 64; q += 16) {
      const intptr_t left = columns - j - q;
      const __mmask16 in = left >= 16 ? 0xFFFF : left <= 0 ? 0 : (__mmask16)((1u << left) - 1);
      _mm512_storeu_si512(t + q, _mm512_maskz_loadu_epi32(in, from + j + q));
    }
  }
}
#pragma clang attribute pop
#endif

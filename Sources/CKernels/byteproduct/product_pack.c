#include "byteproduct.h"
#include <string.h>

#if defined(__x86_64__)
#include <emmintrin.h>

// Four rows of 16 columns, interleaved by columns.
static inline void interleave(const uint8_t *b, intptr_t along, __m128i flip, int8_t *to) {
  __m128i r[4];
  for (int z = 0; z < 4; z++)
    r[z] = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(b + z * along)), flip);
  const __m128i l01 = _mm_unpacklo_epi8(r[0], r[1]), h01 = _mm_unpackhi_epi8(r[0], r[1]);
  const __m128i l23 = _mm_unpacklo_epi8(r[2], r[3]), h23 = _mm_unpackhi_epi8(r[2], r[3]);
  __m128i *y = (__m128i *)to;
  _mm_storeu_si128(y, _mm_unpacklo_epi16(l01, l23));
  _mm_storeu_si128(y + 1, _mm_unpackhi_epi16(l01, l23));
  _mm_storeu_si128(y + 2, _mm_unpacklo_epi16(h01, h23));
  _mm_storeu_si128(y + 3, _mm_unpackhi_epi16(h01, h23));
}
#endif

void dl_byteproduct_pack(intptr_t k, intptr_t count, intptr_t width, const uint8_t *b,
                         intptr_t along, intptr_t across, int32_t flip, int8_t *panel,
                         int32_t *sums) {
  const intptr_t groups = (k + 3) / 4;
  const uint8_t turn = (uint8_t)flip;
  for (intptr_t g = 0; g < groups; g++) {
    const intptr_t z1 = k - 4 * g < 4 ? k - 4 * g : 4;
    int8_t *row = panel + g * width * 4;
    const uint8_t *from = b + 4 * g * along;
    intptr_t j = 0;
#if defined(__x86_64__)
    if (across == 1 && z1 == 4)
      for (; j + 16 <= count; j += 16)
        interleave(from + j, along, _mm_set1_epi8((char)turn), row + 4 * j);
#endif
    if (along == 1 && z1 == 4) {
      const uint32_t turns = turn * 0x01010101u;
      for (; j < count; j++) {
        uint32_t x;
        memcpy(&x, from + j * across, 4);
        x ^= turns;
        memcpy(row + 4 * j, &x, 4);
      }
    }
    for (; j < count; j++)
      for (intptr_t z = 0; z < 4; z++)
        row[4 * j + z] = z < z1 ? (int8_t)(from[z * along + j * across] ^ turn) : 0;
    memset(row + 4 * count, 0, (size_t)(4 * (width - count)));
  }
  memset(sums, 0, (size_t)width * 4);
  for (intptr_t g = 0; g < groups; g++) {
    const int8_t *row = panel + g * width * 4;
    intptr_t j = 0;
#if defined(__x86_64__)
    // Bytes as 0 to 255 added in pairs of 16 bits, and these in pairs of 32.
    const __m128i turns = _mm_set1_epi8((char)0x80), low = _mm_set1_epi16(0xFF);
    const __m128i one = _mm_set1_epi16(1), middle = _mm_set1_epi32(4 * 128);
    for (; j + 4 <= width; j += 4) {
      const __m128i x = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(row + 4 * j)), turns);
      const __m128i pairs = _mm_add_epi16(_mm_and_si128(x, low), _mm_srli_epi16(x, 8));
      __m128i *sum = (__m128i *)(sums + j);
      const __m128i four = _mm_sub_epi32(_mm_madd_epi16(pairs, one), middle);
      _mm_storeu_si128(sum, _mm_add_epi32(_mm_loadu_si128(sum), four));
    }
#endif
    for (; j < count; j++)
      sums[j] += row[4 * j] + row[4 * j + 1] + row[4 * j + 2] + row[4 * j + 3];
  }
}

void dl_byteproduct_pack_s16(intptr_t k, intptr_t count, intptr_t width, const uint8_t *b,
                             intptr_t along, intptr_t across, int32_t flip, int16_t *panel,
                             int32_t *sums) {
  memset(panel, 0, (size_t)((k + 1) / 2 * width) * 4);
  memset(sums, 0, (size_t)width * 4);
  for (intptr_t i = 0; i < k; i++)
    for (intptr_t j = 0; j < count; j++) {
      const int16_t x = (int8_t)(b[i * along + j * across] ^ flip);
      panel[(i / 2 * width + j) * 2 + i % 2] = x;
      sums[j] += x;
    }
}

void dl_byteproduct_stage(intptr_t n, intptr_t padded, const uint8_t *a, int32_t flip,
                          uint8_t *to) {
  for (intptr_t i = 0; i < n; i++)
    to[i] = (uint8_t)(a[i] ^ flip);
  if (padded > n)
    memset(to + n, 0, (size_t)(padded - n));
}

void dl_byteproduct_stage_s16(intptr_t n, intptr_t padded, const uint8_t *a, int32_t flip,
                              int16_t *to) {
  for (intptr_t i = 0; i < n; i++)
    to[i] = (uint8_t)(a[i] ^ flip);
  for (intptr_t i = n; i < padded; i++)
    to[i] = 0;
}

int32_t dl_byteproduct_sum(intptr_t n, const uint8_t *a, int32_t flip) {
  uint32_t sum = 0;
  intptr_t i = 0;
#if defined(__x86_64__)
  const __m128i turns = _mm_set1_epi8((char)flip), none = _mm_setzero_si128();
  __m128i total = none;
  for (; i + 16 <= n; i += 16) {
    const __m128i x = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(a + i)), turns);
    total = _mm_add_epi64(total, _mm_sad_epu8(x, none));
  }
  sum = (uint32_t)_mm_cvtsi128_si64(_mm_add_epi64(total, _mm_unpackhi_epi64(total, total)));
#endif
  for (; i < n; i++)
    sum += (uint8_t)(a[i] ^ flip);
  return (int32_t)sum;
}

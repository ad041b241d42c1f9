#include "../include/byte_images.h"

void dl_byte_table_u8__scalar(const uint8_t *table, const uint8_t *x, uint8_t *y, intptr_t n) {
  for (intptr_t i = 0; i < n; i++)
    y[i] = table[x[i]];
}

#if defined(__x86_64__)
#include <immintrin.h>

// 64 bytes at once: two permutations hold 128 entries each, the highest bit chooses between them.
__attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi"))) static void
table_avx512vbmi(const uint8_t *table, const uint8_t *x, uint8_t *y, intptr_t n) {
  const __m512i a = _mm512_loadu_si512(table), b = _mm512_loadu_si512(table + 64);
  const __m512i c = _mm512_loadu_si512(table + 128), d = _mm512_loadu_si512(table + 192);
  for (intptr_t i = 0; i < n; i += 64) {
    const __mmask64 m = n - i >= 64 ? ~0ull : (1ull << (n - i)) - 1;
    const __m512i v = _mm512_maskz_loadu_epi8(m, x + i);
    const __m512i low = _mm512_permutex2var_epi8(a, v, b), high = _mm512_permutex2var_epi8(c, v, d);
    _mm512_mask_storeu_epi8(y + i, m, _mm512_mask_blend_epi8(_mm512_movepi8_mask(v), low, high));
  }
}
#endif

void dl_byte_table_u8(const uint8_t *table, const uint8_t *x, uint8_t *y, intptr_t n) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi")) {
    table_avx512vbmi(table, x, y, n);
    return;
  }
#endif
  dl_byte_table_u8__scalar(table, x, y, n);
}

#include <string.h>

#include "../include/byte_images.h"

DL_BYTE_GATHER(dl_byte_gather_u8__scalar) {
  for (intptr_t i = 0; i < n; i++, s++) {
    const uint8_t *from = parts[s->part] + first * s->step + s->first;
    const uint8_t *table = s->is_tabled ? tables + 256 * s->part : NULL;
    for (intptr_t p = 0; p < pixels; p++, from += s->step) {
      uint8_t *to = y + p * step;
      if (s->run > 0 && !table) {
        memcpy(to + s->at, from + s->index[s->at], (size_t)s->run);
        continue;
      }
      for (uint64_t left = s->lanes; left; left &= left - 1) {
        const int lane = __builtin_ctzll(left);
        const uint8_t byte = from[s->index[lane]];
        to[lane] = table ? table[byte] : byte;
      }
    }
  }
}

#if defined(__x86_64__)
#include <immintrin.h>

#define VBMI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi")))

VBMI static inline __attribute__((always_inline)) __m512i looked_up(__m512i v, const uint8_t *t) {
  const __m512i low =
      _mm512_permutex2var_epi8(_mm512_loadu_si512(t), v, _mm512_loadu_si512(t + 64));
  const __m512i high =
      _mm512_permutex2var_epi8(_mm512_loadu_si512(t + 128), v, _mm512_loadu_si512(t + 192));
  return _mm512_mask_blend_epi8(_mm512_movepi8_mask(v), low, high);
}

// One permutation a source, whose bytes go over those of the ones before.
VBMI static inline __attribute__((always_inline)) void
gather_vbmi(const dl_byte_source *s, const intptr_t n, intptr_t first, intptr_t pixels,
            const uint8_t *const *parts, const uint8_t *tables, uint8_t *y, intptr_t step) {
  uint64_t written = 0;
  for (intptr_t i = 0; i < n; i++)
    written |= s[i].lanes;
  for (intptr_t p = 0; p < pixels; p++, y += step) {
    __m512i all = _mm512_setzero_si512();
    for (intptr_t i = 0; i < n; i++) {
      const __mmask64 room = s[i].count >= 64 ? ~0ull : (1ull << s[i].count) - 1;
      const uint8_t *from = parts[s[i].part] + s[i].first + (first + p) * s[i].step;
      __m512i v = _mm512_permutexvar_epi8(_mm512_loadu_si512(s[i].index),
                                          _mm512_maskz_loadu_epi8(room, from));
      if (s[i].is_tabled)
        v = looked_up(v, tables + 256 * s[i].part);
      all = _mm512_mask_mov_epi8(all, s[i].lanes, v);
    }
    _mm512_mask_storeu_epi8(y, written, all);
  }
}

VBMI static DL_BYTE_GATHER(gather_avx512vbmi) {
  // Few sources stay in registers.
  if (n == 1)
    gather_vbmi(s, 1, first, pixels, parts, tables, y, step);
  else if (n == 2)
    gather_vbmi(s, 2, first, pixels, parts, tables, y, step);
  else
    gather_vbmi(s, n, first, pixels, parts, tables, y, step);
}
#endif

DL_BYTE_GATHER(dl_byte_gather_u8) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi")) {
    gather_avx512vbmi(s, n, first, pixels, parts, tables, y, step);
    return;
  }
#endif
  dl_byte_gather_u8__scalar(s, n, first, pixels, parts, tables, y, step);
}

// Vectors of 32 bytes for the byte kernels.
#ifndef DL_BYTE_VECTORS_256_H
#define DL_BYTE_VECTORS_256_H
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define LANES 8
#define V __m256i
#define F __m256
#define LOAD(p) _mm256_loadu_si256((const __m256i *)(p))
#define LOAD_F(p) _mm256_loadu_ps(p)
#define STORE_F(p, v) _mm256_storeu_ps(p, v)
#define ZERO _mm256_setzero_si256()
#define FOUR(p) _mm256_set1_epi32(dl_four(p))
#define SET_16(x) _mm256_set1_epi16((short)(x))
#define SET_8(x) _mm256_set1_epi8((char)(x))
#define SET_32(x) _mm256_set1_epi32(x)
#define SET_F(x) _mm256_set1_ps(x)
#define ADD_32(a, b) _mm256_add_epi32(a, b)
#define MADD(a, b) _mm256_madd_epi16(a, b)
#define AND(a, b) _mm256_and_si256(a, b)
#define HIGH_BYTES(a) _mm256_srli_epi16(a, 8)
#define ADDS_16(a, b) _mm256_adds_epi16(a, b)
#define PACK_32(a, b) _mm256_packs_epi32(a, b)
#define PACK_16(a, b) _mm256_packus_epi16(a, b)
#define MIN_8(a, b) _mm256_min_epu8(a, b)
#define MAX_8(a, b) _mm256_max_epu8(a, b)
#define AS_F(a) _mm256_castsi256_ps(a)
#define TO_F(a) _mm256_cvtepi32_ps(a)
#define TO_32(a) _mm256_cvtps_epi32(a)
#define MUL_F(a, b) _mm256_mul_ps(a, b)
#define ADD_F(a, b) _mm256_add_ps(a, b)
#define SUB_F(a, b) _mm256_sub_ps(a, b)
#define FMA_F(a, b, c) _mm256_fmadd_ps(a, b, c)
#define MIN_F(a, b) _mm256_min_ps(a, b)
#define MAX_F(a, b) _mm256_max_ps(a, b)
#define ROUND_F(a) _mm256_round_ps(a, 8)
#define LOW_8(a, b) _mm256_unpacklo_epi8(a, b)
#define HIGH_8(a, b) _mm256_unpackhi_epi8(a, b)
#define LOW_16(a, b) _mm256_unpacklo_epi16(a, b)
#define HIGH_16(a, b) _mm256_unpackhi_epi16(a, b)
// Bytes 4 j to 4 j + 3 of each half, as 32-bit numbers.
#define PICK(v, j) _mm256_shuffle_epi8(v, _mm256_add_epi8(dl_spread(), _mm256_set1_epi32(4 * (j))))
// The same plus 2^23 as float32, whose bits differ in the top byte alone.
#define PICK_F(v, j) _mm256_castsi256_ps(_mm256_or_si256(PICK(v, j), _mm256_set1_epi32(0x4B000000)))

#define INLINE static inline __attribute__((always_inline))

INLINE int32_t dl_four(const uint8_t *p) {
  int32_t v;
  memcpy(&v, p, 4);
  return v;
}
INLINE V dl_spread(void) {
  return _mm256_setr_epi32((int)0x80808000, (int)0x80808001, (int)0x80808002, (int)0x80808003,
                           (int)0x80808000, (int)0x80808001, (int)0x80808002, (int)0x80808003);
}
// HAS_BYTE_MASKS: the target has AVX-512's masks of bytes.
// The first `n` <= 32 bytes, zeros behind.
INLINE V dl_load_bytes(const uint8_t *p, intptr_t n) {
  if (n >= 32)
    return LOAD(p);
#ifdef HAS_BYTE_MASKS
  return _mm256_maskz_loadu_epi8((1u << n) - 1, p);
#else
  if (n == 16)
    return _mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *)p));
  if (n % 4 == 0)
    return _mm256_maskload_epi32((const int *)p,
                                 _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n / 4),
                                                    _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
  uint8_t room[32] = {0};
  memcpy(room, p, (size_t)n);
  return LOAD(room);
#endif
}
INLINE void dl_store_bytes(uint8_t *p, V v, intptr_t n) {
  if (n >= 32) {
    _mm256_storeu_si256((__m256i *)p, v);
#ifdef HAS_BYTE_MASKS
  } else {
    _mm256_mask_storeu_epi8(p, (1u << n) - 1, v);
#else
  } else if (n == 16) {
    _mm_storeu_si128((__m128i *)p, _mm256_castsi256_si128(v));
  } else {
    uint8_t room[32];
    _mm256_storeu_si256((__m256i *)room, v);
    memcpy(p, room, (size_t)n);
#endif
  }
}
INLINE void dl_hold_bytes(uint8_t *to, const uint8_t *p, intptr_t n) {
  _mm256_storeu_si256((__m256i *)to, dl_load_bytes(p, n));
}
// The first `vectors` dwords of each half, side by side; and back.
INLINE V dl_close_up(V v, int vectors, int half) {
  (void)half;
  switch (vectors) {
  case 1:
    return _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 4, 0, 4, 0, 4, 0, 4));
  case 2:
    return _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 1, 4, 5, 0, 1, 4, 5));
  default:
    return v;
  }
}
INLINE V dl_spread_out(V v, int vectors, int half) {
  (void)half;
  switch (vectors) {
  case 1:
    return _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1));
  case 2:
    return _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 1, 0, 0, 2, 3, 0, 0));
  default:
    return v;
  }
}
// Numbers of four vectors, columns as panels have them, in their order.
INLINE void dl_in_order(F *v) {
  const F a = _mm256_permute2f128_ps(v[0], v[1], 0x20),
          c = _mm256_permute2f128_ps(v[0], v[1], 0x31);
  const F b = _mm256_permute2f128_ps(v[2], v[3], 0x20),
          d = _mm256_permute2f128_ps(v[2], v[3], 0x31);
  v[0] = a;
  v[1] = b;
  v[2] = c;
  v[3] = d;
}
#endif

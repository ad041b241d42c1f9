// Vectors of 64 bytes for the byte kernels.
#ifndef DL_BYTE_VECTORS_512_H
#define DL_BYTE_VECTORS_512_H
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define LANES 16
#define V __m512i
#define F __m512
#define LOAD(p) _mm512_loadu_si512(p)
#define LOAD_F(p) _mm512_loadu_ps(p)
#define STORE_F(p, v) _mm512_storeu_ps(p, v)
#define ZERO _mm512_setzero_si512()
#define FOUR(p) _mm512_set1_epi32(dl_four(p))
#define SET_16(x) _mm512_set1_epi16((short)(x))
#define SET_8(x) _mm512_set1_epi8((char)(x))
#define SET_32(x) _mm512_set1_epi32(x)
#define SET_F(x) _mm512_set1_ps(x)
#define ADD_32(a, b) _mm512_add_epi32(a, b)
#define MADD(a, b) _mm512_madd_epi16(a, b)
#define AND(a, b) _mm512_and_si512(a, b)
#define HIGH_BYTES(a) _mm512_srli_epi16(a, 8)
#define ADDS_16(a, b) _mm512_adds_epi16(a, b)
#define PACK_32(a, b) _mm512_packs_epi32(a, b)
#define PACK_16(a, b) _mm512_packus_epi16(a, b)
#define MIN_8(a, b) _mm512_min_epu8(a, b)
#define MAX_8(a, b) _mm512_max_epu8(a, b)
#define AS_F(a) _mm512_castsi512_ps(a)
#define TO_F(a) _mm512_cvtepi32_ps(a)
#define TO_32(a) _mm512_cvtps_epi32(a)
#define MUL_F(a, b) _mm512_mul_ps(a, b)
#define ADD_F(a, b) _mm512_add_ps(a, b)
#define SUB_F(a, b) _mm512_sub_ps(a, b)
#define FMA_F(a, b, c) _mm512_fmadd_ps(a, b, c)
#define MIN_F(a, b) _mm512_min_ps(a, b)
#define MAX_F(a, b) _mm512_max_ps(a, b)
#define ROUND_F(a) _mm512_roundscale_ps(a, 8)
#define LOW_8(a, b) _mm512_unpacklo_epi8(a, b)
#define HIGH_8(a, b) _mm512_unpackhi_epi8(a, b)
#define LOW_16(a, b) _mm512_unpacklo_epi16(a, b)
#define HIGH_16(a, b) _mm512_unpackhi_epi16(a, b)
// Bytes 4 j to 4 j + 3 of each quarter, as 32-bit numbers.
#define PICK(v, j) _mm512_shuffle_epi8(v, _mm512_add_epi8(dl_spread(), _mm512_set1_epi32(4 * (j))))
// The same plus 2^23 as float32, whose bits differ in the top byte alone.
#define PICK_F(v, j)                                                                               \
  _mm512_castsi512_ps(                                                                             \
      _mm512_mask_shuffle_epi8(_mm512_set1_epi32(0x4B000000), 0x1111111111111111ull, v,            \
                               _mm512_add_epi8(dl_spread(), _mm512_set1_epi32(4 * (j)))))

static inline __attribute__((always_inline)) int32_t dl_four(const uint8_t *p) {
  int32_t v;
  memcpy(&v, p, 4);
  return v;
}

#define INLINE static inline __attribute__((always_inline))

INLINE V dl_spread(void) {
  return _mm512_set4_epi32((int)0x80808003, (int)0x80808002, (int)0x80808001, (int)0x80808000);
}
// The first `n` <= 64 bytes, zeros behind.
INLINE V dl_load_bytes(const uint8_t *p, intptr_t n) {
  if (n >= 64)
    return _mm512_loadu_si512(p);
  return _mm512_maskz_loadu_epi8((1ull << n) - 1, p);
}
INLINE void dl_store_bytes(uint8_t *p, V v, intptr_t n) {
  if (n >= 64)
    _mm512_storeu_si512(p, v);
  else
    _mm512_mask_storeu_epi8(p, (1ull << n) - 1, v);
}
INLINE void dl_hold_bytes(uint8_t *to, const uint8_t *p, intptr_t n) {
  _mm512_storeu_si512(to, dl_load_bytes(p, n));
}
// The first `vectors` dwords of each quarter, one less of the last two where half, side by side;
// and back.
INLINE V dl_close_up(V v, int vectors, int half) {
  if (half && vectors == 2)
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 1, 4, 5, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), v);
  if (half)
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 1, 2, 4, 5, 6, 8, 9, 12, 13, 0, 0, 0, 0, 0, 0), v);
  switch (vectors) {
  case 1:
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12), v);
  case 2:
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 1, 4, 5, 8, 9, 12, 13, 0, 1, 4, 5, 8, 9, 12, 13), v);
  case 3:
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 0, 1, 2, 4), v);
  default:
    return v;
  }
}
INLINE V dl_spread_out(V v, int vectors, int half) {
  if (half && vectors == 2)
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 1, 0, 0, 2, 3, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0), v);
  if (half)
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 0, 0, 8, 9, 0, 0), v);
  switch (vectors) {
  case 1:
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3), v);
  case 2:
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 1, 0, 0, 2, 3, 0, 0, 4, 5, 0, 0, 6, 7, 0, 0), v);
  case 3:
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8, 0, 9, 10, 11, 0), v);
  default:
    return v;
  }
}
// Numbers of four vectors, columns as panels have them, in their order.
INLINE void dl_in_order(F *v) {
  const F a = _mm512_shuffle_f32x4(v[0], v[1], 0x44), b = _mm512_shuffle_f32x4(v[0], v[1], 0xEE);
  const F c = _mm512_shuffle_f32x4(v[2], v[3], 0x44), d = _mm512_shuffle_f32x4(v[2], v[3], 0xEE);
  v[0] = _mm512_shuffle_f32x4(a, c, 0x88);
  v[1] = _mm512_shuffle_f32x4(a, c, 0xDD);
  v[2] = _mm512_shuffle_f32x4(b, d, 0x88);
  v[3] = _mm512_shuffle_f32x4(b, d, 0xDD);
}
#endif

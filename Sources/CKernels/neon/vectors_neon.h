// Vectors of 8 floats as the bodies of ../blocked see them: clang's own, which become two registers
// of 4 lanes each.
#include <arm_neon.h>
#include <stdint.h>

typedef float dl_neon_v8 __attribute__((vector_size(32)));
typedef float dl_neon_v8u __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t dl_neon_i8 __attribute__((vector_size(32)));

// Lanes of a where the mask is set, of b elsewhere.
static inline __attribute__((always_inline)) dl_neon_v8 dl_neon_select(dl_neon_i8 mask,
                                                                       dl_neon_v8 a, dl_neon_v8 b) {
  return (dl_neon_v8)((mask & (dl_neon_i8)a) | (~mask & (dl_neon_i8)b));
}

#define V dl_neon_v8
#define LANES 8
#define LOAD(p) ((V) * (const dl_neon_v8u *)(p))
#define STORE(p, v) ((void)(*(dl_neon_v8u *)(p) = (v)))
static inline __attribute__((always_inline)) V dl_neon_splat(float x) {
  return (V){x, x, x, x, x, x, x, x};
}
#define SPLAT(x) dl_neon_splat(x)
#define ADD(a, b) ((a) + (b))
#define SUB(a, b) ((a) - (b))
#define MUL(a, b) ((a) * (b))
#define DIV(a, b) ((a) / (b))
#define FMA(a, b, c) __builtin_elementwise_fma(a, b, c)
// The second operand where either is NaN.
static inline __attribute__((always_inline)) V dl_neon_max(V a, V b) {
  return dl_neon_select(a > b, a, b);
}
static inline __attribute__((always_inline)) V dl_neon_min(V a, V b) {
  return dl_neon_select(a < b, a, b);
}
#define MAX(a, b) dl_neon_max(a, b)
#define MIN(a, b) dl_neon_min(a, b)
// All lanes or none, and a load that touches memory only where all.
#define WHOLE int32_t
#define WHOLE_IF(inside) ((inside) ? -1 : 0)
static inline __attribute__((always_inline)) V dl_neon_load_where(WHOLE mask, const float *p) {
  static const float zeros[LANES];
  return LOAD(mask ? p : zeros);
}
#define LOAD_WHERE(mask, p) dl_neon_load_where(mask, p)
// Lanes of x and y that are NaN join those in `bad`; SPOIL makes them NaN in v.
#define BAD dl_neon_i8
#define NO_BAD ((BAD){0})
#define NOTE_NAN(bad, x, y) ((bad) | ((x) != (x)) | ((y) != (y)))
#define BOTH_BAD(a, b) ((a) | (b))
#define SPOIL(v, bad) ((V)((dl_neon_i8)(v) | (bad)))
// Lanes of x that `places` names, in v; those below 0 leave v as it is. In a table of 32 bytes.
typedef struct dl_neon_places {
  uint8x16_t low, high;
} dl_neon_places;
static inline __attribute__((always_inline)) uint8x16_t dl_neon_bytes(int32x4_t place) {
  const int32x4_t bytes = vmlaq_s32(vdupq_n_s32(0x03020100), place, vdupq_n_s32(0x04040404));
  return vreinterpretq_u8_s32(vorrq_s32(bytes, vshrq_n_s32(place, 31)));
}
static inline __attribute__((always_inline)) V dl_neon_pick(V v, dl_neon_places places, V x) {
  const uint8x16x2_t table = {{(uint8x16_t)__builtin_shufflevector(x, x, 0, 1, 2, 3),
                               (uint8x16_t)__builtin_shufflevector(x, x, 4, 5, 6, 7)}};
  const uint8x16_t low = (uint8x16_t)__builtin_shufflevector(v, v, 0, 1, 2, 3);
  const uint8x16_t high = (uint8x16_t)__builtin_shufflevector(v, v, 4, 5, 6, 7);
  return (V)__builtin_shufflevector((float32x4_t)vqtbx2q_u8(low, table, places.low),
                                    (float32x4_t)vqtbx2q_u8(high, table, places.high), 0, 1, 2, 3,
                                    4, 5, 6, 7);
}
#define PLACES dl_neon_places
#define PLACES_AT(p) ((PLACES){dl_neon_bytes(vld1q_s32(p)), dl_neon_bytes(vld1q_s32((p) + 4))})
#define PICK(v, places, x) dl_neon_pick(v, places, x)

#include "blocked.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))

INLINE void transpose4(float32x4_t *r) {
  const float64x2_t a = vreinterpretq_f64_f32(vtrn1q_f32(r[0], r[1]));
  const float64x2_t b = vreinterpretq_f64_f32(vtrn2q_f32(r[0], r[1]));
  const float64x2_t c = vreinterpretq_f64_f32(vtrn1q_f32(r[2], r[3]));
  const float64x2_t d = vreinterpretq_f64_f32(vtrn2q_f32(r[2], r[3]));
  r[0] = vreinterpretq_f32_f64(vzip1q_f64(a, c));
  r[1] = vreinterpretq_f32_f64(vzip1q_f64(b, d));
  r[2] = vreinterpretq_f32_f64(vzip2q_f64(a, c));
  r[3] = vreinterpretq_f32_f64(vzip2q_f64(b, d));
}

// Four pixels at a time; the last four may be moved twice.
#define EACH_FOUR(p, at)                                                                           \
  for (intptr_t p = 0, at = 0; p < pixels;                                                         \
       p += 4, at = p + 4 <= pixels || p >= pixels ? p : pixels - 4)

void dl_to_blocked_f32__neon(float *to, const float *from, intptr_t pixels, intptr_t plane,
                             intptr_t channels, intptr_t lanes) {
  if (pixels < 4) {
    dl_to_blocked_f32__scalar(to, from, pixels, plane, channels, lanes);
    return;
  }
  EACH_FOUR(p, at) {
    float32x4_t r[8];
    UNROLL for (int l = 0; l < 8; l++) r[l] =
        l < channels ? vld1q_f32(from + l * plane + at) : vdupq_n_f32(0);
    transpose4(r);
    transpose4(r + 4);
    UNROLL for (int i = 0; i < 4; i++) {
      vst1q_f32(to + (at + i) * 8, r[i]);
      vst1q_f32(to + (at + i) * 8 + 4, r[4 + i]);
    }
  }
}

void dl_from_blocked_f32__neon(float *to, const float *from, intptr_t pixels, intptr_t plane,
                               intptr_t channels, intptr_t lanes) {
  if (pixels < 4) {
    dl_from_blocked_f32__scalar(to, from, pixels, plane, channels, lanes);
    return;
  }
  EACH_FOUR(p, at) {
    float32x4_t r[8];
    UNROLL for (int i = 0; i < 4; i++) {
      r[i] = vld1q_f32(from + (at + i) * 8);
      r[4 + i] = vld1q_f32(from + (at + i) * 8 + 4);
    }
    transpose4(r);
    transpose4(r + 4);
    UNROLL for (int l = 0; l < 8; l++) if (l < channels) vst1q_f32(to + l * plane + at, r[l]);
  }
}

#endif

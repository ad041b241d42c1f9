// Sixteen float lanes as clang's portable vectors: one body serves every instruction set, and
// results depend only on the lane an element falls into, not on the machine's vector width.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef float v16 __attribute__((vector_size(64)));
typedef float v16u __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t v16i __attribute__((vector_size(64)));

#define LANES 16
#define LOAD16(p) (*(const v16u *)(p))
#define STORE16(p, v) (*(v16u *)(p) = (v))
// Not a sum with zeros, which the processor would have to add: -0 + 0 is 0.
#define SPLAT16(s)                                                                                 \
  ({                                                                                               \
    const float s_ = (s);                                                                          \
    (v16){s_, s_, s_, s_, s_, s_, s_, s_, s_, s_, s_, s_, s_, s_, s_, s_};                         \
  })
// Lanes of `a` where the mask is set, of `b` elsewhere.
#define SELECT16(mask, a, b) ((v16)(((mask) & (v16i)(a)) | (~(mask) & (v16i)(b))))
#define MAX16(acc, x) SELECT16(((x) > (acc)) | ((x) != (x)), x, acc)
#define MIN16(acc, x) SELECT16(((x) < (acc)) | ((x) != (x)), x, acc)
#define ABS16(x) ((v16)((v16i)(x)&0x7FFFFFFF))
// The first `n` (< 16) floats at `p`, other lanes as in `fill`.
#define LOAD_PART16(v, p, n, fill)                                                                 \
  do {                                                                                             \
    (v) = (fill);                                                                                  \
    memcpy(&(v), (p), (size_t)(n) * sizeof(float));                                                \
  } while (0)
#define STORE_PART16(p, v, n) memcpy((p), &(v), (size_t)(n) * sizeof(float))
// The first `n` (< 16) lanes of `v`, others as in `fill`.
#define FIRST16 ((v16i){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
#define KEEP_PART16(v, n, fill) SELECT16(FIRST16 < (int32_t)(n), v, fill)

// v = e^v, within 2 ulp; 0 below -104, infinity above 88.8, NaN stays. Cody-Waite reduction by
// ln 2 in two parts and the degree-6 polynomial of Cephes expf.
#define EXP16(v)                                                                                   \
  do {                                                                                             \
    v16 x_ = (v);                                                                                  \
    x_ = SELECT16(x_ > 89.0f, SPLAT16(89.0f), x_);                                                 \
    x_ = SELECT16(x_ < -105.0f, SPLAT16(-105.0f), x_);                                             \
    v16 k_ = x_ * 1.44269504f + 12582912.0f;                                                       \
    v16i n_ = (v16i)k_ - 0x4B400000;                                                               \
    k_ = k_ - 12582912.0f;                                                                         \
    v16 r_ = x_ - k_ * 0.693359375f;                                                               \
    r_ = r_ + k_ * 2.12194440e-4f;                                                                 \
    v16 p_ = r_ * 1.9875691500e-4f + 1.3981999507e-3f;                                             \
    p_ = p_ * r_ + 8.3334519073e-3f;                                                               \
    p_ = p_ * r_ + 4.1665795894e-2f;                                                               \
    p_ = p_ * r_ + 1.6666665459e-1f;                                                               \
    p_ = p_ * r_ + 5.0000001201e-1f;                                                               \
    p_ = p_ * (r_ * r_) + r_ + 1.0f;                                                               \
    v16i h_ = n_ >> 1;                                                                             \
    p_ = p_ * (v16)((h_ + 127) << 23);                                                             \
    (v) = p_ * (v16)((n_ - h_ + 127) << 23);                                                       \
  } while (0)

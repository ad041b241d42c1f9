#include "../include/attention.h"
#include "../lanes/lanes.h"

#define PART LOAD_PART16
#define PUT STORE_PART16
#define LARGER(x, m) SELECT16((x) > (m), x, m)
// e^t for t <= 0; 0 where that is below the normal numbers, whose arithmetic is slow. NaN stays.
#define FALLING_EXP(t)                                                                             \
  do {                                                                                             \
    v16 w_ = (t);                                                                                  \
    v16 e_ = SELECT16(w_ < -87.0f, SPLAT16(-87.0f), w_);                                           \
    EXP16(e_);                                                                                     \
    (t) = SELECT16(w_ < -87.0f, (v16){}, e_);                                                      \
  } while (0)

// The lanes in pairs, so that few operations wait for each other.
static inline __attribute__((always_inline)) float lanes_total(const v16 *s) {
  float a[8];
  for (int l = 0; l < 8; l++)
    a[l] = (*s)[l] + (*s)[l + 8];
  return ((a[0] + a[4]) + (a[1] + a[5])) + ((a[2] + a[6]) + (a[3] + a[7]));
}
static inline __attribute__((always_inline)) float lanes_largest(const v16 *m) {
  float a[8];
  for (int l = 0; l < 8; l++)
    a[l] = (*m)[l] > (*m)[l + 8] ? (*m)[l] : (*m)[l + 8];
  for (int l = 0; l < 4; l++)
    a[l] = a[l] > a[l + 4] ? a[l] : a[l + 4];
  const float b = a[0] > a[1] ? a[0] : a[1], c = a[2] > a[3] ? a[2] : a[3];
  return b > c ? b : c;
}
#define TOTAL(s) lanes_total(&(s))
#define LARGEST(m) lanes_largest(&(m))

#define NAME(f) f##__scalar
#include "attention_body.h"
#undef NAME

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(f) f##__avx2
#include "attention_body.h"
#undef NAME
#pragma clang attribute pop

#undef PART
#undef PUT
#undef LARGER
#undef FALLING_EXP
#undef TOTAL
#undef LARGEST
#define TOTAL(s) _mm512_reduce_add_ps((__m512)(s))
#define LARGEST(m) _mm512_reduce_max_ps((__m512)(m))
#define LOW(n) ((__mmask16)((1u << (n)) - 1))
#define PART(v, p, n, fill) ((v) = (v16)_mm512_mask_loadu_ps((__m512)(fill), LOW(n), p))
#define PUT(p, v, n) _mm512_mask_storeu_ps(p, LOW(n), (__m512)(v))
// The second operand is the result where either is NaN.
#define LARGER(x, m) ((v16)_mm512_max_ps((__m512)(x), (__m512)(m)))
#define FALLING_EXP(t) ((t) = (v16)dl_falling_exp_avx512((__m512)(t)))
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#include "../lanes/exp_avx512.h"
#define NAME(f) f##__avx512
#include "attention_body.h"
#undef NAME
#pragma clang attribute pop
#else
#define NAME(f) f##__avx2
#include "attention_body.h"
#undef NAME
#define NAME(f) f##__avx512
#include "attention_body.h"
#undef NAME
#endif

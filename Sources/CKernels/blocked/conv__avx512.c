#include "blocked.h"

#if defined(__x86_64__)
#include "vectors_avx512.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma"))),    \
                             apply_to = function)

#define MOST_COLUMNS 14
#define BROADCAST(p) broadcast(p)
#define FMA_AT(sum, w, p)                                                                          \
  __asm__ volatile("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(w), "m"(*(p)))
#define NAME dl_blocked_conv_f32__avx512

static inline __attribute__((always_inline)) __m512 broadcast(const float *p) {
  __m512 v;
  __asm__ volatile("vbroadcastss %1, %0" : "=v"(v) : "m"(*p));
  return v;
}

// 32 registers: accumulators, a vector of weights a block, one broadcast.
#define SIX(X, R, B) X(R, 1, B) X(R, 2, B) X(R, 3, B) X(R, 4, B) X(R, 5, B) X(R, 6, B)
#define NINE(X, R, B) SIX(X, R, B) X(R, 7, B) X(R, 8, B) X(R, 9, B)
#define TWELVE(X, R, B) NINE(X, R, B) X(R, 10, B) X(R, 11, B) X(R, 12, B)
#define FOURTEEN(X, R, B) TWELVE(X, R, B) X(R, 13, B) X(R, 14, B)
#define BLOCKED_TILES(X)                                                                           \
  FOURTEEN(X, 1, 1) FOURTEEN(X, 1, 2) NINE(X, 1, 3) SIX(X, 1, 4) SIX(X, 2, 2) X(2, 7, 2)
// A block whose upper lanes hold no channel: two pixels share a vector.
#define HALF_TILES(X) FOURTEEN(X, 1, 1) FOURTEEN(X, 1, 2) NINE(X, 1, 3)
#define TWICE(p) _mm512_broadcast_f32x8(_mm256_loadu_ps(p))
#define JOINED(low, high) _mm512_mask_blend_ps(0xFF00, low, high)
#define HALF_OF(v, i)                                                                              \
  _mm512_zextps256_ps512((i) ? _mm512_extractf32x8_ps(v, 1) : _mm512_castps512_ps256(v))
#define PLAIN_TILES(X) FOURTEEN(X, 1, 1) FOURTEEN(X, 1, 2)
#define WIDE_TILES(X) SIX(X, 1, 1) SIX(X, 1, 2)
#define WIDE_PLAIN_TILES(X) PLAIN_TILES(X)

#include "conv_body.h"

#pragma clang attribute pop
#endif

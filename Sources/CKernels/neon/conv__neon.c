#include "blocked.h"

#if defined(__aarch64__)
#include "vectors_neon.h"

#define MOST_COLUMNS 12
#define BROADCAST(p) broadcast(p)
#define NAME dl_blocked_conv_f32__neon

// A plain load of one float, which every multiplication then takes by element: a load that fills
// all lanes would occupy a vector pipeline besides.
static inline __attribute__((always_inline)) V broadcast(const float *p) {
  float x;
  __asm__ volatile("ldr %s0, %1" : "=w"(x) : "m"(*p));
  return SPLAT(x);
}

// 32 registers, two a vector: accumulators, a vector of weights a block, two inputs.
#define FOUR(X, R, B) X(R, 1, B) X(R, 2, B) X(R, 3, B) X(R, 4, B)
#define SIX(X, R, B) FOUR(X, R, B) X(R, 5, B) X(R, 6, B)
#define TWELVE(X, R, B)                                                                            \
  SIX(X, R, B) X(R, 7, B) X(R, 8, B) X(R, 9, B) X(R, 10, B) X(R, 11, B) X(R, 12, B)
#define BLOCKED_TILES(X) TWELVE(X, 1, 1) SIX(X, 1, 2) FOUR(X, 1, 3)
#define PLAIN_TILES(X) TWELVE(X, 1, 1) SIX(X, 1, 2)
#define WIDE_TILES(X) FOUR(X, 1, 1) FOUR(X, 1, 2)
#define WIDE_PLAIN_TILES(X) PLAIN_TILES(X)

#include "../blocked/conv_body.h"

#endif

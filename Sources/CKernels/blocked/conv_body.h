// Direct convolution of blocked images, for one instruction set. The file that includes it includes
// its vectors and defines BROADCAST (a load that the compiler does not move), NAME, MOST_COLUMNS,
// and the lists of tiles: BLOCKED_TILES(X), PLAIN_TILES(X) and WIDE_TILES(X) with X(rows, columns,
// blocks).
#include "conv_common.h"

#define UNROLL _Pragma("clang loop unroll(full)")
#define ROLLED _Pragma("clang loop unroll(disable) vectorize(disable)")
#define INLINE static inline __attribute__((always_inline))
// Keeps loads where they stand: moved up across a step of the sum, they cost more registers than
// there are, and an accumulator goes to the stack in every step.
#define STEP __asm__ volatile("" ::: "memory")
// Weights stream through once a tile; 4 KB ahead hides the way from the second-level cache.
enum { AHEAD = 1024 };

// N steps of the sum: N inputs that lie side by side, each times a vector of weights a block.
INLINE void steps(const int N, const int PR, const int PC, const int NB, V (*sum)[NB],
                  const float *p, const intptr_t pixel, const intptr_t row, const float *w) {
  UNROLL for (int u = 0; u < N; u++) {
    STEP;
    V weight[NB];
    UNROLL for (int j = 0; j < NB; j++) {
      weight[j] = LOAD(w + (u * NB + j) * LANES);
      __builtin_prefetch(w + (u * NB + j) * LANES + AHEAD, 0, 3);
    }
    UNROLL for (int i = 0; i < PR * PC; i++) {
      const V x = BROADCAST(p + (i / PC) * row + (i % PC) * pixel + u);
      UNROLL for (int j = 0; j < NB; j++) sum[i][j] = FMA(x, weight[j], sum[i][j]);
    }
  }
}

// PR x PC pixels of NB blocks. pixel: elements between inputs of neighbouring pixels.
INLINE void tile(const int PR, const int PC, const int NB, const intptr_t pixel, const int isPlain,
                 const dl_blocked_conv *c, const float *in, const float *w, const float *bias,
                 const float *residual, float *out) {
  V sum[PR * PC][NB];
  const intptr_t row = c->row_step;
  UNROLL for (int j = 0; j < NB; j++) {
    const V b = LOAD(bias + j * LANES);
    UNROLL for (int i = 0; i < PR * PC; i++) sum[i][j] = b;
  }
  ROLLED for (intptr_t block = 0; block < c->in_blocks; block++) {
    const intptr_t fours = block + 1 < c->in_blocks ? LANES / 4 : c->last_fours;
    ROLLED for (intptr_t a = 0; a < c->taps[0]; a++) {
      const float *p = in + block * c->block_step + a * c->tap_step[0];
      ROLLED for (intptr_t b = 0; b < c->taps[1]; b++) {
        if (isPlain) {
          steps(1, PR, PC, NB, sum, p, pixel, row, w);
          w += NB * LANES;
        } else {
          const float *q = p;
          ROLLED for (intptr_t f = 0; f < fours; f++) {
            steps(4, PR, PC, NB, sum, q, pixel, row, w);
            w += 4 * NB * LANES;
            q += 4;
          }
        }
        p += c->tap_step[1];
      }
    }
  }
#define EACH(expression)                                                                           \
  UNROLL for (int i = 0; i < PR * PC; i++) UNROLL for (int j = 0; j < NB; j++) {                   \
    const intptr_t at = j * c->out_block + (i / PC) * c->out_row + (i % PC) * LANES;               \
    expression;                                                                                    \
  }
  if (residual)
    EACH(sum[i][j] = ADD(sum[i][j], LOAD(residual + at)))
  if (c->form == DL_FORM_CLAMP) {
    const V low = SPLAT(c->low), high = SPLAT(c->high);
    EACH(STORE(out + at, MIN(high, MAX(low, sum[i][j]))))
  } else if (c->form == DL_FORM_GATE) {
    const V low = SPLAT(c->low), high = SPLAT(c->high), zero = SPLAT(0), one = SPLAT(1);
    EACH(STORE(out + at, MUL(sum[i][j], MAX(zero, MIN(one, FMA(sum[i][j], low, high))))))
  } else {
    EACH(STORE(out + at, sum[i][j]))
  }
#undef EACH
}

typedef void (*tile_fn)(const dl_blocked_conv *, const float *, const float *, const float *,
                        const float *, float *);

#define DEFINE(kind, pixel, isPlain, R, C, B)                                                      \
  static void kind##_##R##_##C##_##B(const dl_blocked_conv *c, const float *in, const float *w,    \
                                     const float *bias, const float *residual, float *out) {       \
    tile(R, C, B, pixel, isPlain, c, in, w, bias, residual, out);                                  \
  }
#define ENTRY(kind, R, C, B) [R - 1][B - 1][C] = kind##_##R##_##C##_##B,
typedef tile_fn table[2][4][MOST_COLUMNS + 1];

#define X(R, C, B) DEFINE(near, LANES, 0, R, C, B)
BLOCKED_TILES(X)
#undef X
#define X(R, C, B) DEFINE(far, 2 * LANES, 0, R, C, B)
BLOCKED_TILES(X)
#undef X
#define X(R, C, B) DEFINE(wide, c->pixel_step, 0, R, C, B)
WIDE_TILES(X)
#undef X
#define X(R, C, B) DEFINE(plain1, 1, 1, R, C, B)
PLAIN_TILES(X)
#undef X
#define X(R, C, B) DEFINE(plain2, 2, 1, R, C, B)
PLAIN_TILES(X)
#undef X
#define X(R, C, B) DEFINE(plainN, c->pixel_step, 1, R, C, B)
WIDE_TILES(X)
#undef X

#define X(R, C, B) ENTRY(near, R, C, B)
static const table near_tiles = {BLOCKED_TILES(X)};
#undef X
#define X(R, C, B) ENTRY(far, R, C, B)
static const table far_tiles = {BLOCKED_TILES(X)};
#undef X
#define X(R, C, B) ENTRY(wide, R, C, B)
static const table wide_tiles = {WIDE_TILES(X)};
#undef X
#define X(R, C, B) ENTRY(plain1, R, C, B)
static const table plain1_tiles = {PLAIN_TILES(X)};
#undef X
#define X(R, C, B) ENTRY(plain2, R, C, B)
static const table plain2_tiles = {PLAIN_TILES(X)};
#undef X
#define X(R, C, B) ENTRY(plainN, R, C, B)
static const table plainN_tiles = {WIDE_TILES(X)};
#undef X

static const tile_fn (*tiles(const dl_blocked_conv *c))[4][MOST_COLUMNS + 1] {
  if (c->is_plain)
    return c->pixel_step == 1 ? plain1_tiles : c->pixel_step == 2 ? plain2_tiles : plainN_tiles;
  return c->pixel_step == LANES ? near_tiles : c->pixel_step == 2 * LANES ? far_tiles : wide_tiles;
}

void NAME(const dl_blocked_conv *c, intptr_t blocks, intptr_t rows, intptr_t width, const float *in,
          const float *w, const float *bias, const float *residual, float *out) {
  const tile_fn(*table)[4][MOST_COLUMNS + 1] = tiles(c);
  const intptr_t count = (width + c->tile - 1) / c->tile;
  for (intptr_t h = 0; h < rows;) {
    const intptr_t height = h + c->tile_rows <= rows ? c->tile_rows : 1;
    intptr_t x = 0;
    for (intptr_t i = 0; i < count; i++) {
      const intptr_t n = (width - x + count - i - 1) / (count - i);
      const intptr_t at = h * c->out_row + x * LANES;
      table[height - 1][blocks - 1][n](c, in + h * c->row_step + x * c->pixel_step, w, bias,
                                       residual ? residual + at : 0, out + at);
      if (c->after)
        dl_blocked_after(c, blocks, height, n, LANES, out + at);
      x += n;
    }
    h += height;
  }
}

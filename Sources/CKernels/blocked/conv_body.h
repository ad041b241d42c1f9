// Direct convolution of blocked images, for one instruction set. The file that includes it includes
// its vectors and defines BROADCAST (a load that the compiler does not move), FMA_AT (sum += w * *p
// in all lanes, one instruction) where there is such a thing, NAME, MOST_COLUMNS, and the lists of
// tiles: BLOCKED_TILES(X), PLAIN_TILES(X), WIDE_TILES(X) and WIDE_PLAIN_TILES(X)
// with X(rows, columns, blocks).
#include "conv_common.h"

// What a tile brings closer while it sums up: with each four terms so many lines, `step` bytes
// apart.
typedef struct {
  const char *next;
  intptr_t step, lines;
} ahead;

#define UNROLL _Pragma("clang loop unroll(full)")
#define ROLLED _Pragma("clang loop unroll(disable) vectorize(disable)")
#define INLINE static inline __attribute__((always_inline))
// Keeps loads where they stand: moved up across a step of the sum, they cost more registers than
// there are, and an accumulator goes to the stack in every step.
#define STEP __asm__ volatile("" ::: "memory")
// Weights stream through once a tile; 4 KB ahead hides the way from the second-level cache.
enum { AHEAD = 1024 };
#ifndef HALF_TILES
#define TWICE(p) SPLAT(0)
#define JOINED(low, high) (high)
#define HALF_OF(v, i) (v)
#endif

// N steps of the sum: N inputs that lie side by side, each times a vector of weights a block. Where
// HALF, the last block has channels in half of its lanes at most, and `half` their sums, two pixels
// a vector.
INLINE void steps(const int N, const int PR, const int PC, const int NB, const int HALF,
                  V (*sum)[NB], V *half, const float *p, const intptr_t pixel, const intptr_t row,
                  const float *w) {
  UNROLL for (int u = 0; u < N; u++) {
    STEP;
    V weight[NB];
    V part = SPLAT(0), before = part;
    (void)part, (void)before;
    if (HALF)
      part = TWICE(w + (u * NB + NB - 1) * LANES);
    UNROLL for (int j = 0; j < NB - HALF; j++) {
      weight[j] = LOAD(w + (u * NB + j) * LANES);
      __builtin_prefetch(w + (u * NB + j) * LANES + AHEAD, 0, 3);
    }
    UNROLL for (int i = 0; i < PR * PC; i++) {
      const float *at = p + (i / PC) * row + (i % PC) * pixel + u;
#ifdef FMA_AT
      // Of some pixels the input is read by each multiplication: fewer instructions, as many loads
      // as there are ports for. Addresses with an index would make two of each.
      const int isDirect = __builtin_constant_p(pixel) && i < PC;
      if (!HALF && isDirect && (NB == 1 || i % (NB == 2 ? 2 : 3) == 1)) {
        UNROLL for (int j = 0; j < NB; j++) FMA_AT(sum[i][j], weight[j], at);
        continue;
      }
#endif
      const V x = BROADCAST(at);
      UNROLL for (int j = 0; j < NB - HALF; j++) sum[i][j] = FMA(x, weight[j], sum[i][j]);
      if (HALF && (i % 2 == 1 || i + 1 == PR * PC))
        half[i / 2] = FMA(i % 2 == 1 ? JOINED(before, x) : x, part, half[i / 2]);
      before = x;
    }
  }
}

// PR x PC pixels of NB blocks. pixel: elements between inputs of neighbouring pixels.
INLINE void tile(const int PR, const int PC, const int NB, const int HALF, const intptr_t pixel,
                 const int isPlain, const dl_blocked_conv *c, const ahead *fetch, const float *in,
                 const float *w, const float *bias, const float *residual, float *out) {
  const char *next = fetch->next;
  const intptr_t next_step = fetch->step, lines = fetch->lines;
  V sum[PR * PC][NB];
  V half[(PR * PC + 1) / 2];
  const intptr_t row = c->row_step;
#define EACH(expression)                                                                           \
  UNROLL for (int i = 0; i < PR * PC; i++) UNROLL for (int j = 0; j < NB; j++) {                   \
    const intptr_t at = j * c->out_block + (i / PC) * c->out_row + (i % PC) * LANES;               \
    expression;                                                                                    \
  }
  // What is only wanted once the sums are done comes in meanwhile.
  if (residual)
    EACH(__builtin_prefetch(residual + at, 0, 3))
  UNROLL for (int i = 0; i < PR * PC; i += 2) half[i / 2] =
      HALF ? TWICE(bias + (NB - 1) * LANES) : SPLAT(0);
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
          steps(1, PR, PC, NB, 0, sum, half, p, pixel, row, w);
          w += NB * LANES;
        } else {
          const float *q = p;
          ROLLED for (intptr_t f = 0; f < fours; f++) {
            // Every line: of those left out the hardware brings some, and the sum waits for the
            // rest.
            ROLLED for (intptr_t line = 0; line < lines; line++) {
              __builtin_prefetch(next, 0, 2);
              next = (const char *)((uintptr_t)next + (uintptr_t)next_step);
            }
            steps(4, PR, PC, NB, HALF, sum, half, q, pixel, row, w);
            w += 4 * NB * LANES;
            q += 4;
          }
        }
        p += c->tap_step[1];
      }
    }
  }
  if (HALF)
    UNROLL for (int i = 0; i < PR * PC; i++) sum[i][NB - 1] = HALF_OF(half[i / 2], i % 2);
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

// One pixel of NB blocks, where it is the whole image. Products with every fourth channel have a
// sum of their own: a chain of additions to one would wait for each.
INLINE void point(const int NB, const dl_blocked_conv *c, const float *in, const float *w,
                  const float *bias, const float *residual, float *out) {
  V sum[4][NB];
  UNROLL for (int j = 0; j < NB; j++) {
    sum[0][j] = LOAD(bias + j * LANES);
    UNROLL for (int u = 1; u < 4; u++) sum[u][j] = SPLAT(0);
  }
  ROLLED for (intptr_t block = 0; block < c->in_blocks; block++) {
    const intptr_t fours = block + 1 < c->in_blocks ? LANES / 4 : c->last_fours;
    for (intptr_t a = 0; a < c->taps[0]; a++)
      for (intptr_t b = 0; b < c->taps[1]; b++) {
        const float *p = in + block * c->block_step + a * c->tap_step[0] + b * c->tap_step[1];
        ROLLED for (intptr_t f = 0; f < fours; f++) {
          UNROLL for (int u = 0; u < 4; u++) {
            const V x = BROADCAST(p + u);
            UNROLL for (int j = 0; j < NB; j++) {
              const float *at = w + (u * NB + j) * LANES;
              __builtin_prefetch(at + AHEAD, 0, 3);
              sum[u][j] = FMA(x, LOAD(at), sum[u][j]);
            }
          }
          w += 4 * NB * LANES;
          p += 4;
        }
      }
  }
  UNROLL for (int j = 0; j < NB; j++) {
    V y = ADD(ADD(sum[0][j], sum[1][j]), ADD(sum[2][j], sum[3][j]));
    if (residual)
      y = ADD(y, LOAD(residual + j * c->out_block));
    if (c->form == DL_FORM_CLAMP)
      y = MIN(SPLAT(c->high), MAX(SPLAT(c->low), y));
    else if (c->form == DL_FORM_GATE)
      y = MUL(y, MAX(SPLAT(0), MIN(SPLAT(1), FMA(y, SPLAT(c->low), SPLAT(c->high)))));
    STORE(out + j * c->out_block, y);
  }
}

typedef void (*tile_fn)(const dl_blocked_conv *, const ahead *, const float *, const float *,
                        const float *, const float *, float *);

#define DEFINE(kind, pixel, isPlain, R, C, B)                                                      \
  static void kind##_##R##_##C##_##B(const dl_blocked_conv *c, const ahead *fetch,                 \
                                     const float *in, const float *w, const float *bias,           \
                                     const float *residual, float *out) {                          \
    tile(R, C, B, 0, pixel, isPlain, c, fetch, in, w, bias, residual, out);                        \
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
WIDE_PLAIN_TILES(X)
#undef X

#define POINT(B)                                                                                   \
  static void point_##B(const dl_blocked_conv *c, const ahead *fetch, const float *in,             \
                        const float *w, const float *bias, const float *residual, float *out) {    \
    (void)fetch;                                                                                   \
    point(B, c, in, w, bias, residual, out);                                                       \
  }
POINT(1)
POINT(2)
POINT(3)
POINT(4)
static const table point_tiles = {
    {{[1] = point_1}, {[1] = point_2}, {[1] = point_3}, {[1] = point_4}}};

#define X(R, C, B) ENTRY(near, R, C, B)
static const table near_tiles = {BLOCKED_TILES(X)};
#undef X
#ifdef HALF_TILES
#define X(R, C, B)                                                                                 \
  static void half_##R##_##C##_##B(const dl_blocked_conv *c, const ahead *fetch, const float *in,  \
                                   const float *w, const float *bias, const float *residual,       \
                                   float *out) {                                                   \
    tile(R, C, B, 1, LANES, 0, c, fetch, in, w, bias, residual, out);                              \
  }
HALF_TILES(X)
#undef X
#define X(R, C, B) ENTRY(half, R, C, B)
static const table half_tiles = {HALF_TILES(X)};
#undef X
#endif
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
static const table plainN_tiles = {WIDE_PLAIN_TILES(X)};
#undef X

static const tile_fn (*tiles(const dl_blocked_conv *c))[4][MOST_COLUMNS + 1] {
  if (c->tile == 1 && !c->is_plain)
    return point_tiles;
  if (c->is_plain)
    return c->pixel_step == 1 ? plain1_tiles : c->pixel_step == 2 ? plain2_tiles : plainN_tiles;
#ifdef HALF_TILES
  if (c->is_half && c->pixel_step == LANES && c->tile_rows == 1)
    return half_tiles;
#endif
  return c->pixel_step == LANES ? near_tiles : c->pixel_step == 2 * LANES ? far_tiles : wide_tiles;
}

// Fours of channels in a sum.
static intptr_t fours(const dl_blocked_conv *c) {
  return ((c->in_blocks - 1) * (LANES / 4) + c->last_fours) * c->taps[0] * c->taps[1];
}

// Outputs that do not lie side by side are spread from a tile in the first-level cache.
static void spread(const dl_blocked_conv *c, intptr_t blocks, intptr_t rows, intptr_t width,
                   const float *in, const float *w, const float *bias, float *out) {
  const tile_fn(*table)[4][MOST_COLUMNS + 1] = tiles(c);
  const intptr_t count = (width + c->tile - 1) / c->tile;
  dl_blocked_conv near = *c;
  const ahead none = {(const char *)w, 0, 0};
  float copy[4 * MOST_COLUMNS * LANES];
  for (intptr_t h = 0; h < rows; h++) {
    intptr_t x = 0;
    for (intptr_t i = 0; i < count; i++) {
      const intptr_t n = (width - x + count - i - 1) / (count - i);
      near.out_block = n * LANES;
      table[0][blocks - 1][n](&near, &none, in + h * c->row_step + x * c->pixel_step, w, bias, 0,
                              copy);
      if (c->after)
        c->after(copy, copy, (size_t)(blocks * n * LANES), c->numbers);
      float *to = out + h * c->out_row + x * c->out_pixel;
      for (intptr_t j = 0; j < blocks; j++)
        for (intptr_t k = 0; k < n; k++)
          STORE(to + j * c->out_block + k * c->out_pixel, LOAD(copy + (j * n + k) * LANES));
      x += n;
    }
  }
}

void NAME(const dl_blocked_conv *c, intptr_t blocks, intptr_t rows, intptr_t width, const float *in,
          const float *w, const float *bias, const float *residual, float *out) {
  if (c->out_pixel != LANES) {
    spread(c, blocks, rows, width, in, w, bias, out);
    return;
  }
  const tile_fn(*table)[4][MOST_COLUMNS + 1] = tiles(c);
  const intptr_t count = (width + c->tile - 1) / c->tile;
  // Beside `c`, no copy of it: the caller has just written its fields one by one, and wide loads
  // of them would wait until all stores before are done, those of the last tile among them.
  ahead fetch = {(const char *)w, 0, 0};
  intptr_t fetched = 0;
  if (c->next && !c->is_plain) {
    const intptr_t steps = (rows + c->tile_rows - 1) / c->tile_rows * count * fours(c);
    const intptr_t bytes = (c->next_bytes + steps - 1) / (steps > 0 ? steps : 1);
    fetch.next = c->next;
    fetch.lines = bytes < 8 * 64 ? (bytes + 63) / 64 : 8;
    fetch.step = (bytes + fetch.lines - 1) / (fetch.lines > 0 ? fetch.lines : 1);
    fetched = fetch.step * fetch.lines * fours(c);
  }
  for (intptr_t h = 0; h < rows;) {
    const intptr_t height = h + c->tile_rows <= rows ? c->tile_rows : 1;
    intptr_t x = 0;
    for (intptr_t i = 0; i < count; i++) {
      const intptr_t n = (width - x + count - i - 1) / (count - i);
      const intptr_t at = h * c->out_row + x * LANES;
      table[height - 1][blocks - 1][n](c, &fetch, in + h * c->row_step + x * c->pixel_step, w, bias,
                                       residual ? residual + at : 0, out + at);
      if (c->after)
        dl_blocked_after(c, blocks, height, n, LANES, out + at);
      fetch.next = (const char *)((uintptr_t)fetch.next + (uintptr_t)fetched);
      x += n;
    }
    h += height;
  }
}

// Sums and products of two images of bytes, and products with numbers of channels.
//
// Whoever includes it has defined the vectors, PAIR, AFFINE, and the target.
#include "finish.h"

#define BLOCK (4 * LANES)
#define ROOM 4096

// What bytes stand for, in four vectors.
INLINE void numbers(V bytes, int32_t zero, F *v) {
  const F base = SET_F(8388608.0f + (float)zero);
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++)
    v[j] = SUB_F(PICK_F(bytes, j), base);
}

// NaN becomes the least byte; beyond 16 bits all is clamped alike.
INLINE void rounded(const dl_byte_finish *f, F *v, uint8_t *y, intptr_t n) {
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++)
    v[j] = MIN_F(SET_F(65536.0f), v[j]);
  dl_finish_bytes(f, 4, 0, v, y, n);
}

// Where number i of a block stands among the lanes of four vectors.
INLINE intptr_t lane_of(intptr_t i) { return i % 16 / 4 * LANES + i / 16 * 4 + i % 4; }

// Bytes that a row of `period` fills whole blocks with, or the row alone.
INLINE intptr_t width_of(intptr_t period) {
  intptr_t width = period;
  while (width % BLOCK != 0 && width + period <= ROOM)
    width += period;
  return width % BLOCK == 0 ? width : period;
}

INLINE void product_block(const dl_byte_pair *k, const dl_byte_finish *f, const float *q,
                          const uint8_t *a, uint8_t *y, intptr_t n) {
  F v[4];
  numbers(dl_load_bytes(a, n), k->a_zero, v);
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) {
    const F p = MUL_F(v[j], SET_F(k->a_scale)), other = LOAD_F(q + LANES * j);
    v[j] = MUL_F(k->is_product ? MUL_F(p, other) : ADD_F(p, other), SET_F(k->inverse));
  }
  rounded(f, v, y, n);
}

INLINE void pair_block(const dl_byte_pair *k, const dl_byte_finish *f, const uint8_t *a,
                       const uint8_t *b, uint8_t *y, intptr_t n) {
  F v[4], w[4];
  numbers(dl_load_bytes(a, n), k->a_zero, v);
  numbers(dl_load_bytes(b, n), k->b_zero, w);
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) {
    const F p = MUL_F(v[j], SET_F(k->a_scale)), other = MUL_F(w[j], SET_F(k->b_scale));
    v[j] = MUL_F(k->is_product ? MUL_F(p, other) : ADD_F(p, other), SET_F(k->inverse));
  }
  rounded(f, v, y, n);
}

DL_BYTE_PAIR(PAIR) {
  const dl_byte_pair own = *k;
  const dl_byte_finish f = {.zero = k->zero, .low = k->low, .high = k->high};
  if (period == n) {
    intptr_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK)
      pair_block(&own, &f, a + i, b + i, y + i, BLOCK);
    if (i < n)
      pair_block(&own, &f, a + i, b + i, y + i, n - i);
    return;
  }
  float room[ROOM + BLOCK];
  const intptr_t width = width_of(period);
  for (intptr_t first = 0; first < width; first += ROOM) {
    const intptr_t count = width - first < ROOM ? width - first : ROOM;
    intptr_t from = first % period;
    for (intptr_t i = 0; i < count; i++) {
      room[i / BLOCK * BLOCK + lane_of(i % BLOCK)] = (float)(b[from] - own.b_zero) * own.b_scale;
      from = from + 1 == period ? 0 : from + 1;
    }
    for (intptr_t at = first; at < n; at += width) {
      const intptr_t some = n - at < count ? n - at : count;
      intptr_t i = 0;
      for (; i + BLOCK <= some; i += BLOCK)
        product_block(&own, &f, room + i, a + at + i, y + at + i, BLOCK);
      if (i < some)
        product_block(&own, &f, room + i, a + at + i, y + at + i, some - i);
    }
  }
}

DL_BYTE_AFFINE(AFFINE) {
  const dl_byte_finish f = {.zero = k->zero, .low = k->low, .high = k->high};
  const int32_t x_zero = k->x_zero;
  float room[2][ROOM + BLOCK];
  const intptr_t width = width_of(period);
  for (intptr_t first = 0; first < width; first += ROOM) {
    const intptr_t count = width - first < ROOM ? width - first : ROOM;
    intptr_t from = first % period;
    for (intptr_t i = 0; i < count; i++) {
      const intptr_t to = i / BLOCK * BLOCK + lane_of(i % BLOCK);
      room[0][to] = k->factor[from];
      room[1][to] = k->shift[from];
      from = from + 1 == period ? 0 : from + 1;
    }
    for (intptr_t at = first; at < n; at += width) {
      const intptr_t some = n - at < count ? n - at : count;
      for (intptr_t i = 0; i < some; i += BLOCK) {
        const intptr_t left = some - i < BLOCK ? some - i : BLOCK;
        F v[4];
        numbers(dl_load_bytes(x + at + i, left), x_zero, v);
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++)
          v[j] =
              ADD_F(MUL_F(v[j], LOAD_F(room[0] + i + LANES * j)), LOAD_F(room[1] + i + LANES * j));
        rounded(&f, v, y + at + i, left);
      }
    }
  }
}

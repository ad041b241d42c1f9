// Tiles of narrow groups; a part of conv_body.h.

// Groups of 4, 8 or 16 channels that have as many outputs. Quarter q of vector j has columns
// 16 q + 4 j of its panel, whose groups lie in quarter q of an input: four channels of each group
// are a shuffle within quarters. Of panels of up to 32 columns, two rows share a vector.
INLINE void tile_groups(const int rows, const int fours, const int shares, const dl_byte_conv *c,
                        const dl_byte_panel *p, const uint8_t *const *table, const uint8_t *ahead,
                        intptr_t ahead_step, const end *e) {
  V sums[ROWS][4];
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) {
    const V start = shares ? HALF_TWICE(p->start + LANES * j) : LOAD(p->start + LANES * j);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
      sums[i][j] = start;
  }
  const intptr_t taps = c->taps[0] * c->taps[1], columns = p->columns;
  const intptr_t each = e->each;
  const uint8_t *w = (const uint8_t *)p->weights;
  for (intptr_t t = 0; t < taps; t++, table += 8, w += 4 * fours * 4 * LANES) {
    const uint8_t *at[ROWS];
    taps_of(rows, table, each, at);
#pragma clang loop unroll(full)
    for (int s = 0; s < 4; s++) {
      if (s < fours) {
        __builtin_prefetch(ahead, 0, 2);
        ahead += ahead_step;
      }
      const int first = s / fours * fours;
      // Inputs are read again: there are no registers for them beside sums and weights.
      if (fours == 4 && !shares)
        __asm__ volatile("" ::: "memory");
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i += 1 + shares) {
        const int next = i + (i + 1 < rows ? shares : 0);
        const V x = shares ? TWO_ROWS(at[i], at[next], columns) : dl_load_bytes(at[i], columns);
        const V four = QUARTERS(x, s);
#pragma clang loop unroll(full)
        for (int j = 0; j < fours; j++) {
          const uint8_t *own = w + (s * fours + j) * 4 * LANES;
          sums[i][first + j] = shares ? DOT_TWICE(sums[i][first + j], four, own)
                                      : DOT(sums[i][first + j], four, own);
        }
      }
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; shares && i + 1 < rows; i += 2)
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++)
      sums[i + 1][j] = UPPER_HALF(sums[i][j]);
  finish_tile(rows, 4, 0, c, p, e, sums);
}

#define GROUPS(R, FOURS)                                                                           \
  static __attribute__((noinline)) void tile_##R##_groups_##FOURS(                                 \
      const dl_byte_conv *c, const dl_byte_panel *p, const uint8_t *const *table,                  \
      const uint8_t *ahead, intptr_t ahead_step, const end *e) {                                   \
    tile_groups(R, FOURS, 0, c, p, table, ahead, ahead_step, e);                                   \
  }                                                                                                \
  static __attribute__((noinline)) void tile_##R##_shared_##FOURS(                                 \
      const dl_byte_conv *c, const dl_byte_panel *p, const uint8_t *const *table,                  \
      const uint8_t *ahead, intptr_t ahead_step, const end *e) {                                   \
    tile_groups(R, FOURS, 1, c, p, table, ahead, ahead_step, e);                                   \
  }
#define ALL_GROUPS(FOURS)                                                                          \
  GROUPS(1, FOURS)                                                                                 \
  GROUPS(2, FOURS)                                                                                 \
  GROUPS(3, FOURS) GROUPS(4, FOURS) GROUPS(5, FOURS) GROUPS(6, FOURS)
// Of more than 32 columns and of others.
#define GROUP_NAMES(FOURS)                                                                         \
  {                                                                                                \
    {tile_1_groups_##FOURS, tile_2_groups_##FOURS, tile_3_groups_##FOURS,                          \
     tile_4_groups_##FOURS, tile_5_groups_##FOURS, tile_6_groups_##FOURS},                         \
    {                                                                                              \
      tile_1_shared_##FOURS, tile_2_shared_##FOURS, tile_3_shared_##FOURS, tile_4_shared_##FOURS,  \
          tile_5_shared_##FOURS, tile_6_shared_##FOURS                                             \
    }                                                                                              \
  }

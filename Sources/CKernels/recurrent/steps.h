// The step functions of one instruction set, from what its file defines:
//   MOST_ROWS              rows whose sums are taken at once
//   few_rows[V - 3][n - 1] the sums of one panel of V vectors for n rows
//   NAME(beside_row)       those of one row, moving a product on; 0: it cannot

#define STEP(cell, V, UNITS, is_standard)                                                          \
  static __attribute__((noinline)) void NAME(cell##_standard)(                                     \
      const dl_recur_cell *e, const dl_recur_row *row, intptr_t u, const v16 *sum) {               \
    NAME(cell##_units)(1, e, row, u, sum);                                                         \
  }                                                                                                \
  static __attribute__((noinline)) void NAME(cell##_any)(                                          \
      const dl_recur_cell *e, const dl_recur_row *row, intptr_t u, const v16 *sum) {               \
    NAME(cell##_units)(0, e, row, u, sum);                                                         \
  }                                                                                                \
  void NAME(dl_recur_##cell##_f32)(const dl_recur_cell *e, const float *packed, intptr_t first,    \
                                   intptr_t last, intptr_t rows, const dl_recur_row *row,          \
                                   int32_t backward, dl_recur_product *side) {                     \
    const intptr_t k = e->hidden, groups = (rows + MOST_ROWS - 1) / MOST_ROWS;                     \
    const int standard = is_standard;                                                              \
    for (intptr_t i = first; i < last; i++) {                                                      \
      const intptr_t p = backward ? last - 1 - (i - first) : i;                                    \
      const float *r = packed + p * k * V * 16;                                                    \
      v16 sum[MOST_ROWS][4];                                                                       \
      for (intptr_t g = 0; g < groups; g++) {                                                      \
        const intptr_t a = g * rows / groups, b = (g + 1) * rows / groups;                         \
        if (!(side && rows == 1 && NAME(beside_row)(V, k, row->h, r, backward, sum[0], side)))     \
          few_rows[V - 3][b - a - 1](k, row + a, r, backward, sum);                                \
        for (intptr_t j = a; j < b; j++) {                                                         \
          if (standard)                                                                            \
            NAME(cell##_standard)(e, row + j, p * UNITS, sum[j - a]);                              \
          else                                                                                     \
            NAME(cell##_any)(e, row + j, p * UNITS, sum[j - a]);                                   \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
  }

STEP(lstm, 4, 16, NAME(is_standard)(e))
STEP(gru_linear, 3, 16, NAME(is_standard)(e))
STEP(gru_gates, 4, 32, NAME(is_standard)(e))
STEP(gru_state, 4, 64, NAME(is_standard)(e))
STEP(rnn, 4, 64, e->kind[0] == DL_RECUR_TANH && e->clip == INFINITY)

void NAME(dl_lstm_back_f32)(intptr_t h, intptr_t rows, const dl_lstm_back_row *row) {
  for (; rows > 0; rows--, row++) {
    for (intptr_t u = 0; u < h; u += 16) {
      const intptr_t n = h - u;
      const v16 i = NAME(load)(row->gates + u, n), o = NAME(load)(row->gates + h + u, n);
      const v16 f = NAME(load)(row->gates + 2 * h + u, n);
      const v16 g = NAME(load)(row->gates + 3 * h + u, n);
      const v16 shown = NAME(tanh)(NAME(load)(row->cell + u, n));
      v16 up = NAME(load)(row->dh + u, n);
      if (row->dy)
        up += NAME(load)(row->dy + u, n);
      const v16 dc = NAME(load)(row->dc + u, n) + up * o * (1.0f - shown * shown);
      NAME(store)(row->down + u, dc * g * (i * (1.0f - i)), n);
      NAME(store)(row->down + h + u, up * shown * (o * (1.0f - o)), n);
      NAME(store)(row->down + 2 * h + u, dc * NAME(load)(row->before + u, n) * (f * (1.0f - f)), n);
      NAME(store)(row->down + 3 * h + u, dc * i * (1.0f - g * g), n);
      NAME(store)(row->dc + u, dc * f, n);
    }
  }
}

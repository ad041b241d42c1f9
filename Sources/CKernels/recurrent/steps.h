// The step functions of one instruction set, from what its file defines:
//   MOST_ROWS              rows whose sums are taken at once
//   few_rows[V - 3][n - 1] the sums of one panel of V vectors for n rows
//   NAME(beside_row)       those of one row, moving a product on; 0: it cannot
//
// The cell's functions on a panel's sums come after the sums of the next panel: they are a long
// chain, during which that panel's weights come. The first panel of a step takes its terms in the
// order opposite to the others', those of the units first that the last step was done with first.

#define STEP(cell, V, UNITS, is_standard)                                                          \
  static __attribute__((noinline)) void NAME(cell##_standard)(                                     \
      const dl_recur_cell *e, const dl_recur_row *row, intptr_t u, const v16 *sum) {               \
    NAME(cell##_units)(1, e, row, u, sum);                                                         \
  }                                                                                                \
  static __attribute__((noinline)) void NAME(cell##_any)(                                          \
      const dl_recur_cell *e, const dl_recur_row *row, intptr_t u, const v16 *sum) {               \
    NAME(cell##_units)(0, e, row, u, sum);                                                         \
  }                                                                                                \
  static void NAME(cell##_rows)(const dl_recur_cell *e, const dl_recur_row *row, intptr_t rows,    \
                                intptr_t u, v16(*sum)[4]) {                                        \
    const int standard = is_standard;                                                              \
    for (intptr_t j = 0; j < rows; j++) {                                                          \
      if (standard)                                                                                \
        NAME(cell##_standard)(e, row + j, u, sum[j]);                                              \
      else                                                                                         \
        NAME(cell##_any)(e, row + j, u, sum[j]);                                                   \
    }                                                                                              \
  }                                                                                                \
  void NAME(dl_recur_##cell##_f32)(const dl_recur_cell *e, const float *packed, intptr_t first,    \
                                   intptr_t last, intptr_t rows, const dl_recur_row *row,          \
                                   int32_t backward, dl_recur_product *side) {                     \
    const intptr_t k = e->hidden, groups = (rows + MOST_ROWS - 1) / MOST_ROWS;                     \
    const intptr_t begin = backward ? (k - 1) / UNITS : 0;                                         \
    v16 sums[2][MOST_ROWS][4];                                                                     \
    /* What waits for the cell: units from u on of the rows from..end. */                          \
    intptr_t from = 0, end = 0, u = 0;                                                             \
    int turn = 0;                                                                                  \
    for (intptr_t i = first; i < last; i++) {                                                      \
      const intptr_t p = backward ? last - 1 - (i - first) : i;                                    \
      const int32_t order = p == begin ? !backward : backward;                                     \
      const float *r = packed + p * k * V * 16;                                                    \
      for (intptr_t g = 0; g < groups; g++, turn ^= 1) {                                           \
        const intptr_t a = g * rows / groups, b = (g + 1) * rows / groups;                         \
        v16(*sum)[4] = sums[turn];                                                                 \
        if (!(side && rows == 1 && NAME(beside_row)(V, k, row->h, r, order, sum[0], side)))        \
          few_rows[V - 3][b - a - 1](k, row + a, r, order, sum);                                   \
        NAME(cell##_rows)(e, row + from, end - from, u, sums[turn ^ 1]);                           \
        from = a, end = b, u = p * UNITS;                                                          \
      }                                                                                            \
    }                                                                                              \
    NAME(cell##_rows)(e, row + from, end - from, u, sums[turn ^ 1]);                               \
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

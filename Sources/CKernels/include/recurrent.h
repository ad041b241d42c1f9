// One step of a recurrent layer: products of states with packed weights, and the cell's functions
// on the sums. Float32; units are elements. Memory named by different fields does not overlap
// unless said otherwise, and nothing beyond it is read or written.
//
// A panel of packed recurrent weights holds, for each of `hidden` terms of the sums, V vectors of
// 16 columns: [panels][hidden][V][16], zeros past the last column. With u the panel's first unit:
//   lstm         V = 4: gates i, o, f, c of units u to u + 15
//   gru_linear   V = 3: gates z, r, h of units u to u + 15
//   gru_gates    V = 4: z and r of units u to u + 15, z and r of the 16 units that follow
//   gru_state    V = 4: the candidate of 64 units
//   rnn          V = 4: 64 units
#ifndef DL_RECURRENT_H
#define DL_RECURRENT_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum dl_recur_activation {
  DL_RECUR_SIGMOID,
  DL_RECUR_TANH,
  DL_RECUR_RELU,
  DL_RECUR_SOFTSIGN,
  DL_RECUR_SOFTPLUS,
  DL_RECUR_AFFINE,
  DL_RECUR_LEAKY_RELU,
  DL_RECUR_THRESHOLDED_RELU,
  DL_RECUR_SCALED_TANH,
  DL_RECUR_HARD_SIGMOID,
  DL_RECUR_ELU
};

// What all steps of a direction share.
typedef struct dl_recur_cell {
  intptr_t hidden;
  const float *peepholes; // lstm: [3 * hidden] of i, o, f; null: none
  const float *bias;      // gru_linear: [hidden], added before the reset gate; null: none
  int32_t kind[3];        // functions of gates, of the candidate, of the cell
  float alpha[3], beta[3];
  float clip;      // bound on what the functions of gates and candidate see; infinity: none
  int32_t couples; // lstm: the forget gate is 1 - the input gate
} dl_recur_cell;

// One row of the batch.
typedef struct dl_recur_row {
  const float *x; // [gates * hidden]: what the inputs and biases add to the sums
  const float *h; // [hidden]: the state, or for gru_state the state after the reset gate
  float *to;      // [hidden]: the new state; for gru_gates that gate r times the state
  float *c;       // lstm: the cell [hidden], in place; gru_gates writes z here, gru_state reads it
  const float *last; // gru_state: the state
  float *gates;      // lstm: [4 * hidden], where its gates are kept, may be x; null: they are not
} dl_recur_row;

// The product of inputs with their weights, a part of which may be computed beside a step:
//   to[(i - skip) * distance + j] = bias[j] + sum over k of x[i * x_distance + k] * w[k][j]
// for skip <= i < rows, j < columns, k < depth, summed in the order of k.
typedef struct dl_recur_product {
  const float *w;    // packed: [ceil(columns / 32)][depth][32], zeros past the last column
  const float *bias; // [ceil(columns / 32) * 32]
  const float *x;
  float *to;
  float *partial; // [10 * 32], 64-byte aligned is fastest: the sums of columns that are not done
  intptr_t x_distance, distance, rows, skip, columns, depth;
  intptr_t quota;    // terms of a panel's sums to add beside one panel of a step
  intptr_t panel, k; // how far it is; 0 to begin with
} dl_recur_product;

enum { DL_RECUR_SIDE_ROWS = 10 };

// A step for panels `first` to `last` - 1, of `rows` rows. Panels, and in each the terms of a sum,
// are taken in their order, from the last to the first where `backward`: weights that the last step
// read last are still in the cache. The terms of the first panel of all go the opposite way.
// `side`, null or of DL_RECUR_SIDE_ROWS rows, may move on by its quota a panel.
typedef void dl_recur_fn(const dl_recur_cell *cell, const float *packed, intptr_t first,
                         intptr_t last, intptr_t rows, const dl_recur_row *row, int32_t backward,
                         dl_recur_product *side);

// One row of a step of an LSTM of the standard functions, backwards. All are [hidden] but `gates`
// and `down`, [4 * hidden] of i, o, f, c.
typedef struct dl_lstm_back_row {
  const float *gates, *before, *cell; // what the step kept: gates, the cell before it and after
  const float *dy;                    // what comes from the result of this step; null: nothing
  const float *dh;                    // what comes from the step after
  float *dc;                          // the same by the cell; changed to that of the step before
  float *down;                        // the gradients by the sums
} dl_lstm_back_row;
typedef void dl_lstm_back_fn(intptr_t hidden, intptr_t rows, const dl_lstm_back_row *row);

#define DL_RECUR_KERNELS(isa)                                                                      \
  dl_recur_fn dl_recur_lstm_f32__##isa, dl_recur_gru_linear_f32__##isa,                            \
      dl_recur_gru_gates_f32__##isa, dl_recur_gru_state_f32__##isa, dl_recur_rnn_f32__##isa;       \
  dl_lstm_back_fn dl_lstm_back_f32__##isa;                                                         \
  /* What is left of the product, of any number of rows if none of it is done. */                  \
  void dl_recur_product_f32__##isa(dl_recur_product *p);

DL_RECUR_KERNELS(scalar)
DL_RECUR_KERNELS(avx2)
DL_RECUR_KERNELS(avx512)

#ifdef __cplusplus
}
#endif

#endif

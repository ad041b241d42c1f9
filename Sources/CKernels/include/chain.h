// Elementwise operations one after the other, tile by tile, so that what lies between them stays in
// registers and the first-level cache. Results have the bits of the kernels of elementwise.h.
#ifndef DL_CHAIN_H
#define DL_CHAIN_H

#include "elementwise.h"

// Elements of a tile: 1 KB of floats. Larger ones alternate between waiting for memory and
// computing.
enum { DL_CHAIN_TILE = 256 };
// Limits of a chain: inputs, outputs, and bytes of tiles that wait for their last use.
enum { DL_CHAIN_INPUTS = 16, DL_CHAIN_OUTPUTS = 4, DL_CHAIN_BYTES = 128 << 10 };
// Values of a chain: inputs first, then one for each step.
enum { DL_CHAIN_VALUES = 64, DL_CHAIN_AXES = 8 };

// Operations on an accumulator of float32, which stays in registers from one to the next; x is the
// operand. Those with _ONE take one element for all.
enum dl_program_code {
  DL_PROGRAM_END,
  DL_PROGRAM_LOAD, // a = x
  DL_PROGRAM_LOAD_ONE,
  DL_PROGRAM_STORE, // x = a
  DL_PROGRAM_ADD,   // a + x
  DL_PROGRAM_ADD_ONE,
  DL_PROGRAM_SUB, // a - x
  DL_PROGRAM_SUB_ONE,
  DL_PROGRAM_FROM, // x - a
  DL_PROGRAM_FROM_ONE,
  DL_PROGRAM_MUL, // a * x
  DL_PROGRAM_MUL_ONE,
  DL_PROGRAM_DIV, // a / x
  DL_PROGRAM_DIV_ONE,
  DL_PROGRAM_INTO, // x / a
  DL_PROGRAM_INTO_ONE,
  DL_PROGRAM_MAX, // a if a > x or a is NaN, else x
  DL_PROGRAM_MAX_ONE,
  DL_PROGRAM_MAX_OF, // the same with a and x turned
  DL_PROGRAM_MAX_OF_ONE,
  DL_PROGRAM_MIN,
  DL_PROGRAM_MIN_ONE,
  DL_PROGRAM_MIN_OF,
  DL_PROGRAM_MIN_OF_ONE,
  DL_PROGRAM_SQUARE, // a * a
  DL_PROGRAM_NEG,
  DL_PROGRAM_ABS,
  DL_PROGRAM_SQRT,
  DL_PROGRAM_RECIPROCAL,
  DL_PROGRAM_RELU,
  DL_PROGRAM_CODES
};

struct dl_program_op {
  int32_t code;
  // The number of the operand.
  int32_t value;
};

// Runs a program, whose last operation is DL_PROGRAM_END, over n elements of the values whose
// addresses `values` has.
typedef void (*dl_program_fn)(const struct dl_program_op *program, char *const *values, size_t n);
dl_program_fn dl_program_kernel(int isa);

enum dl_step_kind { DL_STEP_UNARY, DL_STEP_BINARY, DL_STEP_WHERE, DL_STEP_CAST, DL_STEP_PROGRAM };

struct dl_chain_step {
  int32_t kind;
  // Numbers of the operands and of the result; a program has its own.
  int32_t a, b, c, y;
  double p[2];
  const struct dl_program_op *program;
  union {
    dl_unary_fn unary;
    dl_binary_fn binary;
    dl_where_fn where;
    dl_cast_fn cast;
    dl_program_fn program;
  } run;
};

enum dl_input_kind {
  // An element for each of the output, in its order.
  DL_INPUT_SAME,
  // One element for a whole tile, or a row of it where tiles are single rows; read where it is.
  DL_INPUT_PLAIN,
  // Laid out in a tile of its own.
  DL_INPUT_SPREAD
};

struct dl_chain_input {
  int32_t kind;
  // Bytes of an element.
  int32_t width;
  // Place of its tile, of DL_INPUT_SPREAD.
  size_t offset_bytes;
  // Elements from one place of the output to the next along each axis; the last two are those of a
  // tile.
  size_t strides[DL_CHAIN_AXES];
};

// A value that steps make: an output's number, or -1 and a place among the tiles.
struct dl_chain_value {
  int32_t output;
  int32_t width;
  size_t offset_bytes;
};

// Outputs of `rank` axes (at least 2), the last two cut into tiles of `rows` and `columns`, of
// which `rows` times `columns` are at most DL_CHAIN_TILE. More than one row only where a row is one
// tile wide.
struct dl_chain {
  // `made` values follow the inputs.
  int32_t inputs, made, steps, rank;
  size_t sizes[DL_CHAIN_AXES];
  size_t rows, columns;
  const struct dl_chain_input *input;
  const struct dl_chain_value *value;
  const struct dl_chain_step *step;
};

// The tiles of an output.
size_t dl_chain_tiles(const struct dl_chain *chain);

// Computes tiles `first` to `last`, the latter left out. Output 0 may be an input of
// DL_INPUT_SAME where it is as wide and made by the last step; any other overlap is not allowed.
void dl_chain_run(const struct dl_chain *chain, const void *const *inputs, void *const *outputs,
                  size_t first, size_t last);

#endif

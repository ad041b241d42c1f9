#include "../include/chain.h"
#include <math.h>

// Programs in plain C, one element after the other, and the choice among the instruction sets.

#if defined(__x86_64__)
void dl_program_f32__avx2(const struct dl_program_op *program, char *const *values, size_t n);
void dl_program_f32__avx512(const struct dl_program_op *program, char *const *values, size_t n);
#endif

static float larger(float p, float q) { return ((p > q) | (p != p)) ? p : q; }
static float smaller(float p, float q) { return ((p < q) | (p != p)) ? p : q; }

static void dl_program_f32__scalar(const struct dl_program_op *program, char *const *values,
                                   size_t n) {
  for (size_t i = 0; i < n; i++) {
    float a = 0;
    for (const struct dl_program_op *op = program; op->code != DL_PROGRAM_END; op++) {
      float *at = (float *)values[op->value];
      if (op->code == DL_PROGRAM_STORE) {
        at[i] = a;
        continue;
      }
      // Functions of the accumulator alone have no operand to read.
      if (op->code >= DL_PROGRAM_SQUARE) {
        a = op->code == DL_PROGRAM_SQUARE       ? a * a
            : op->code == DL_PROGRAM_NEG        ? -a
            : op->code == DL_PROGRAM_ABS        ? fabsf(a)
            : op->code == DL_PROGRAM_SQRT       ? sqrtf(a)
            : op->code == DL_PROGRAM_RECIPROCAL ? 1 / a
            : a <= 0                            ? 0
                                                : a;
        continue;
      }
      switch (op->code) {
      case DL_PROGRAM_LOAD:
        a = at[i];
        break;
      case DL_PROGRAM_LOAD_ONE:
        a = *at;
        break;
#define CASE(CODE, EXPR)                                                                           \
  case DL_PROGRAM_##CODE: {                                                                        \
    const float x = at[i];                                                                         \
    a = EXPR;                                                                                      \
    break;                                                                                         \
  }                                                                                                \
  case DL_PROGRAM_##CODE##_ONE: {                                                                  \
    const float x = *at;                                                                           \
    a = EXPR;                                                                                      \
    break;                                                                                         \
  }
        CASE(ADD, a + x)
        CASE(SUB, a - x)
        CASE(FROM, x - a)
        CASE(MUL, a * x)
        CASE(DIV, a / x)
        CASE(INTO, x / a)
        CASE(MAX, larger(a, x))
        CASE(MAX_OF, larger(x, a))
        CASE(MIN, smaller(a, x))
        CASE(MIN_OF, smaller(x, a))
      default:
        break;
      }
    }
  }
}

dl_program_fn dl_program_kernel(int isa) {
#if defined(__x86_64__)
  if (isa == DL_AVX512)
    return dl_program_f32__avx512;
  if (isa == DL_AVX2)
    return dl_program_f32__avx2;
#endif
  (void)isa;
  return dl_program_f32__scalar;
}

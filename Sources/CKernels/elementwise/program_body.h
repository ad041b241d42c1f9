// Programs over an accumulator, of one vector instruction set: eight vectors of it at once, so that
// finding the next operation costs little; what is left goes vector by vector. The including file
// defines
//   V, LANES             a vector and its elements
//   LOAD, STORE          a vector
//   LOAD1, STORE1        the first elements of one, by a mask
//   MASK, MASK_OF        what says which
//   ONE                  a vector of one element
//   MAX, MIN             as max and min of binary_body.h
//   RELU, ABS, NEG, SQRT

#pragma clang fp contract(off)

// In EXPR, a is the accumulator and x the operand.
#define DL_LANE(k, EXPR, X)                                                                        \
  {                                                                                                \
    const V a = a##k, x = X(k);                                                                    \
    (void)a, (void)x;                                                                              \
    a##k = EXPR;                                                                                   \
  }
#define DL_EIGHT(EXPR, X)                                                                          \
  DL_LANE(0, EXPR, X)                                                                              \
  DL_LANE(1, EXPR, X)                                                                              \
  DL_LANE(2, EXPR, X)                                                                              \
  DL_LANE(3, EXPR, X)                                                                              \
  DL_LANE(4, EXPR, X)                                                                              \
  DL_LANE(5, EXPR, X)                                                                              \
  DL_LANE(6, EXPR, X)                                                                              \
  DL_LANE(7, EXPR, X)
#define DL_SINGLE(EXPR, X) DL_LANE(0, EXPR, X)
#define DL_EACH(k) LOAD(from + i + (k)*LANES)
#define DL_MASKED(k) LOAD1(from + i, m)
#define DL_ONE(k) one
#define DL_NONE(k) a##k
#define DL_PUT(k) STORE(from + i + (k)*LANES, a##k)

#define DL_OPERATION(CODE, COUNT, LOADED, EXPR)                                                    \
  case DL_PROGRAM_##CODE: {                                                                        \
    COUNT(EXPR, LOADED)                                                                            \
    break;                                                                                         \
  }                                                                                                \
  case DL_PROGRAM_##CODE##_ONE: {                                                                  \
    const V one = ONE(*from);                                                                      \
    COUNT(EXPR, DL_ONE)                                                                            \
    break;                                                                                         \
  }
#define DL_FUNCTION(CODE, COUNT, EXPR)                                                             \
  case DL_PROGRAM_##CODE: {                                                                        \
    COUNT(EXPR, DL_NONE)                                                                           \
    break;                                                                                         \
  }
#define DL_CASES(COUNT, LOADED)                                                                    \
  DL_OPERATION(LOAD, COUNT, LOADED, x)                                                             \
  DL_OPERATION(ADD, COUNT, LOADED, a + x)                                                          \
  DL_OPERATION(SUB, COUNT, LOADED, a - x)                                                          \
  DL_OPERATION(FROM, COUNT, LOADED, x - a)                                                         \
  DL_OPERATION(MUL, COUNT, LOADED, a *x)                                                           \
  DL_OPERATION(DIV, COUNT, LOADED, a / x)                                                          \
  DL_OPERATION(INTO, COUNT, LOADED, x / a)                                                         \
  DL_OPERATION(MAX, COUNT, LOADED, MAX(a, x))                                                      \
  DL_OPERATION(MAX_OF, COUNT, LOADED, MAX(x, a))                                                   \
  DL_OPERATION(MIN, COUNT, LOADED, MIN(a, x))                                                      \
  DL_OPERATION(MIN_OF, COUNT, LOADED, MIN(x, a))                                                   \
  DL_FUNCTION(SQUARE, COUNT, a *a)                                                                 \
  DL_FUNCTION(NEG, COUNT, NEG(a))                                                                  \
  DL_FUNCTION(ABS, COUNT, ABS(a))                                                                  \
  DL_FUNCTION(SQRT, COUNT, SQRT(a))                                                                \
  DL_FUNCTION(RECIPROCAL, COUNT, ONE(1.0f) / a)                                                    \
  DL_FUNCTION(RELU, COUNT, RELU(a))

void DL_FN(program, f32)(const struct dl_program_op *program, char *const *values, size_t n) {
  size_t i = 0;
  V a0 = ONE(0.0f), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0;
  for (; i + 8 * LANES <= n; i += 8 * LANES) {
    for (const struct dl_program_op *op = program; op->code != DL_PROGRAM_END; op++) {
      float *from = (float *)values[op->value];
      switch (op->code) {
        DL_CASES(DL_EIGHT, DL_EACH)
      case DL_PROGRAM_STORE:
        DL_PUT(0), DL_PUT(1), DL_PUT(2), DL_PUT(3), DL_PUT(4), DL_PUT(5), DL_PUT(6), DL_PUT(7);
        break;
      default:
        __builtin_unreachable();
      }
    }
  }
  for (; i < n; i += LANES) {
    const MASK m = MASK_OF(n - i);
    for (const struct dl_program_op *op = program; op->code != DL_PROGRAM_END; op++) {
      float *from = (float *)values[op->value];
      switch (op->code) {
        DL_CASES(DL_SINGLE, DL_MASKED)
      case DL_PROGRAM_STORE:
        STORE1(from + i, m, a0);
        break;
      default:
        __builtin_unreachable();
      }
    }
  }
}

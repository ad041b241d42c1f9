// Binary kernels of one instruction set; see common.h.

#define DL_BINARY_LOOPS(PRAGMA, T, R, EXPR)                                                        \
  {                                                                                                \
    const T *a = ap, *b = bp;                                                                      \
    R *y = yp;                                                                                     \
    if (n == 0)                                                                                    \
      return;                                                                                      \
    if (sa && sb) {                                                                                \
      PRAGMA for (size_t i = 0; i < n; i++) {                                                      \
        const T p = a[i], q = b[i];                                                                \
        y[i] = (R)(EXPR);                                                                          \
      }                                                                                            \
    } else if (sa) {                                                                               \
      const T q = b[0];                                                                            \
      PRAGMA for (size_t i = 0; i < n; i++) {                                                      \
        const T p = a[i];                                                                          \
        y[i] = (R)(EXPR);                                                                          \
      }                                                                                            \
    } else if (sb) {                                                                               \
      const T p = a[0];                                                                            \
      PRAGMA for (size_t i = 0; i < n; i++) {                                                      \
        const T q = b[i];                                                                          \
        y[i] = (R)(EXPR);                                                                          \
      }                                                                                            \
    } else {                                                                                       \
      const T p = a[0], q = b[0];                                                                  \
      const R v = (R)(EXPR);                                                                       \
      for (size_t i = 0; i < n; i++)                                                               \
        y[i] = v;                                                                                  \
    }                                                                                              \
  }

#define DL_BINARY_ARGS const void *ap, const void *bp, void *yp, size_t n, size_t sa, size_t sb

#define DL_BINARY(OP, t, R, EXPR)                                                                  \
  static void DL_FN(OP, t)(DL_BINARY_ARGS) DL_BINARY_LOOPS(DL_VECTORIZE, T_##t, R, EXPR)
// Loops around library calls, which do not vectorise.
#define DL_BINARY_CALLS(OP, t, R, EXPR)                                                            \
  static void DL_FN(OP, t)(DL_BINARY_ARGS) DL_BINARY_LOOPS(, T_##t, R, EXPR)

static void DL_FN(half, binary)(dl_binary_fn f, void (*load)(const void *, float *, size_t),
                                void (*store)(const float *, void *, size_t), DL_BINARY_ARGS) {
  float a[DL_TILE], b[DL_TILE], y[DL_TILE];
  for (size_t i = 0; i < n; i += DL_TILE) {
    size_t m = n - i < DL_TILE ? n - i : DL_TILE;
    load((const uint16_t *)ap + i * sa, a, sa ? m : 1);
    load((const uint16_t *)bp + i * sb, b, sb ? m : 1);
    if (store) {
      f(a, b, y, m, sa, sb);
      store(y, (uint16_t *)yp + i, m);
    } else {
      f(a, b, (uint8_t *)yp + i, m, sa, sb);
    }
  }
}
#define DL_BINARY_HALF(OP, h, STORE)                                                               \
  static void DL_FN(OP, h)(DL_BINARY_ARGS) {                                                       \
    DL_FN(half, binary)(DL_FN(OP, f32), DL_FN(load, h), STORE, ap, bp, yp, n, sa, sb);             \
  }
#define DL_BINARY_HALVES(OP)                                                                       \
  DL_BINARY_HALF(OP, f16, DL_FN(store, f16)) DL_BINARY_HALF(OP, bf16, DL_FN(store, bf16))
#define DL_BINARY_HALVES_TO_BOOL(OP) DL_BINARY_HALF(OP, f16, NULL) DL_BINARY_HALF(OP, bf16, NULL)

#define DL_UNSIGNED(M, OP, EXPR)                                                                   \
  M(OP, u8, T_u8, EXPR)                                                                            \
  M(OP, u16, T_u16, EXPR)                                                                          \
  M(OP, u32, T_u32, EXPR)                                                                          \
  M(OP, u64, T_u64, EXPR)
#define DL_SIGNED(M, OP, EXPR)                                                                     \
  M(OP, i8, T_i8, EXPR)                                                                            \
  M(OP, i16, T_i16, EXPR)                                                                          \
  M(OP, i32, T_i32, EXPR)                                                                          \
  M(OP, i64, T_i64, EXPR)
#define DL_FLOATS(M, OP, EXPR) M(OP, f32, T_f32, EXPR) M(OP, f64, T_f64, EXPR) DL_BINARY_HALVES(OP)

// Sums, differences and products of signed integers have the bits of the unsigned ones. The
// factor 1u keeps products of 16-bit elements out of signed arithmetic.
DL_FLOATS(DL_BINARY, add, p + q)
DL_UNSIGNED(DL_BINARY, add, 1u * p + q)
DL_FLOATS(DL_BINARY, sub, p - q)
DL_UNSIGNED(DL_BINARY, sub, 1u * p - q)
DL_FLOATS(DL_BINARY, mul, p *q)
DL_UNSIGNED(DL_BINARY, mul, 1u * p * q)
DL_FLOATS(DL_BINARY, div, p / q)
DL_UNSIGNED(DL_BINARY_CALLS, div, q == 0 ? 0 : p / q)
DL_BINARY_CALLS(div, i8, T_i8, q == 0 ? 0 : p / q)
DL_BINARY_CALLS(div, i16, T_i16, q == 0 ? 0 : p / q)
// A quotient of numbers of 32 bits, rounded to 53, keeps its whole part. The least by -1 wraps.
DL_BINARY(div, i32, T_i32,
          q == 0    ? 0
          : q == -1 ? (int32_t)(0u - (uint32_t)p)
                    : (int32_t)((double)p / (double)q))
DL_BINARY_CALLS(div, i64, T_i64, q == 0 ? 0 : q == -1 ? (int64_t)(0 - (uint64_t)p) : p / q)

// NaN in either operand is the result.
DL_FLOATS(DL_BINARY, min, ((p < q) | (p != p)) ? p : q)
DL_UNSIGNED(DL_BINARY, min, p < q ? p : q)
DL_SIGNED(DL_BINARY, min, p < q ? p : q)
DL_FLOATS(DL_BINARY, max, ((p > q) | (p != p)) ? p : q)
DL_UNSIGNED(DL_BINARY, max, p > q ? p : q)
DL_SIGNED(DL_BINARY, max, p > q ? p : q)

// Remainders: with the sign of the dividend, and with the sign of the divisor.
static inline float DL_FN(floored, f32)(float p, float q) {
  float r = fmodf(p, q);
  return r == 0 ? copysignf(0, q) : (r < 0) != (q < 0) ? r + q : r;
}
static inline double DL_FN(floored, f64)(double p, double q) {
  double r = fmod(p, q);
  return r == 0 ? copysign(0, q) : (r < 0) != (q < 0) ? r + q : r;
}
static inline int64_t DL_FN(floored, i64)(int64_t p, int64_t q) {
  if (q == 0 || q == -1)
    return 0;
  int64_t r = p % q;
  return r != 0 && (r < 0) != (q < 0) ? r + q : r;
}
// For a quotient below 2^29 its whole part has 29 bits and the divisor 24, so that both the part's
// product and the rest are exact in double. No quotient rounds up to a whole number: what lacks is
// over 2^-53 of it. The library does the others, element by element.
static inline float DL_FN(rest, f32)(float p, float q) {
  const double a = p, b = q, whole = __builtin_elementwise_trunc(a / b);
  const double r = whole == 0 ? a : a - whole * b;
  return __builtin_copysignf((float)r, p);
}
#define DL_REST(OP, NEAR, FAR)                                                                     \
  static void DL_FN(OP, f32)(DL_BINARY_ARGS) {                                                     \
    float a[DL_TILE], b[DL_TILE];                                                                  \
    for (size_t i = 0; i < n; i += DL_TILE) {                                                      \
      const size_t m = n - i < DL_TILE ? n - i : DL_TILE;                                          \
      const float *from = (const float *)ap + i * sa, *by = (const float *)bp + i * sb;            \
      float *y = (float *)yp + i;                                                                  \
      for (size_t j = 0; j < m; j++)                                                               \
        a[j] = from[j * sa];                                                                       \
      for (size_t j = 0; j < m; j++)                                                               \
        b[j] = by[j * sb];                                                                         \
      int far = 0;                                                                                 \
      DL_VECTORIZE for (size_t j = 0; j < m; j++) {                                                \
        const float p = a[j], q = b[j], r = DL_FN(rest, f32)(p, q);                                \
        far |= !(__builtin_fabsf(p / q) < 0x1p29f);                                                \
        y[j] = NEAR;                                                                               \
      }                                                                                            \
      for (size_t j = 0; far && j < m; j++)                                                        \
        if (!(__builtin_fabsf(a[j] / b[j]) < 0x1p29f))                                             \
          y[j] = FAR(a[j], b[j]);                                                                  \
    }                                                                                              \
  }
DL_REST(fmod, r, fmodf)
DL_BINARY_CALLS(fmod, f64, double, fmod(p, q))
DL_BINARY_HALVES(fmod)
DL_UNSIGNED(DL_BINARY_CALLS, fmod, q == 0 ? 0 : p % q)
DL_SIGNED(DL_BINARY_CALLS, fmod, q == 0 || q == -1 ? 0 : p % q)
DL_REST(mod,
        r == 0               ? __builtin_copysignf(0, q)
        : (r < 0) != (q < 0) ? r + q
                             : r,
        DL_FN(floored, f32))
DL_BINARY_CALLS(mod, f64, double, DL_FN(floored, f64)(p, q))
DL_BINARY_HALVES(mod)
DL_SIGNED(DL_BINARY_CALLS, mod, DL_FN(floored, i64)(p, q))

// Powers of integers wrap; a negative exponent gives the reciprocal without its fraction.
static inline uint64_t DL_FN(raised, u64)(uint64_t p, uint64_t q) {
  uint64_t r = 1;
  for (; q; q >>= 1, p *= p)
    if (q & 1)
      r *= p;
  return r;
}
static inline int64_t DL_FN(raised, i64)(int64_t p, int64_t q) {
  if (q < 0)
    return p == 1 ? 1 : p == -1 ? (q & 1 ? -1 : 1) : 0;
  return (int64_t)DL_FN(raised, u64)((uint64_t)p, (uint64_t)q);
}
#define DL_POW_FLOAT(t, POW)                                                                       \
  DL_BINARY(square, t, T_##t, p *q)                                                                \
  DL_BINARY_CALLS(power, t, T_##t, POW(p, q))                                                      \
  static void DL_FN(pow, t)(DL_BINARY_ARGS) {                                                      \
    if (n && !sb && sa && *(const T_##t *)bp == 2)                                                 \
      DL_FN(square, t)(ap, ap, yp, n, 1, 1);                                                       \
    else                                                                                           \
      DL_FN(power, t)(ap, bp, yp, n, sa, sb);                                                      \
  }
DL_POW_FLOAT(f32, powf)
DL_POW_FLOAT(f64, pow)
DL_BINARY_HALVES(pow)
// Squares and cubes of all elements, in the bits of unsigned products.
#define DL_POW_INTEGER(t, u, POWER)                                                                \
  DL_BINARY(square, t, T_##u, 1u * (T_##u)p * (T_##u)p + 0u * (T_##u)q)                            \
  DL_BINARY(cube, t, T_##u, 1u * (T_##u)p * (T_##u)p * (T_##u)p + 0u * (T_##u)q)                   \
  DL_BINARY_CALLS(power, t, T_##t, POWER(p, q))                                                    \
  static void DL_FN(pow, t)(DL_BINARY_ARGS) {                                                      \
    const T_##t q = n && !sb && sa ? *(const T_##t *)bp : 0;                                       \
    if (q == 2)                                                                                    \
      DL_FN(square, t)(ap, bp, yp, n, sa, sb);                                                     \
    else if (q == 3)                                                                               \
      DL_FN(cube, t)(ap, bp, yp, n, sa, sb);                                                       \
    else                                                                                           \
      DL_FN(power, t)(ap, bp, yp, n, sa, sb);                                                      \
  }
DL_POW_INTEGER(u8, u8, DL_FN(raised, u64))
DL_POW_INTEGER(u16, u16, DL_FN(raised, u64))
DL_POW_INTEGER(u32, u32, DL_FN(raised, u64))
DL_POW_INTEGER(u64, u64, DL_FN(raised, u64))
DL_POW_INTEGER(i8, u8, DL_FN(raised, i64))
DL_POW_INTEGER(i16, u16, DL_FN(raised, i64))
DL_POW_INTEGER(i32, u32, DL_FN(raised, i64))
DL_POW_INTEGER(i64, u64, DL_FN(raised, i64))

DL_FLOATS(DL_BINARY, prelu, p < 0 ? p * q : p)
DL_UNSIGNED(DL_BINARY, prelu, ((void)q, p))
DL_SIGNED(DL_BINARY, prelu, p < 0 ? (int64_t)((uint64_t)p * (uint64_t)q) : p)

#define DL_TO_BOOL(OP, t, R, EXPR) DL_BINARY(OP, t, uint8_t, EXPR)
#define DL_COMPARE(OP, EXPR)                                                                       \
  DL_TO_BOOL(OP, f32, , EXPR)                                                                      \
  DL_TO_BOOL(OP, f64, , EXPR)                                                                      \
  DL_BINARY_HALVES_TO_BOOL(OP) DL_UNSIGNED(DL_TO_BOOL, OP, EXPR)
DL_COMPARE(equal, p == q)
DL_COMPARE(greater, p > q)
DL_SIGNED(DL_TO_BOOL, greater, p > q)
DL_COMPARE(greater_or_equal, p >= q)
DL_SIGNED(DL_TO_BOOL, greater_or_equal, p >= q)
DL_COMPARE(less, p < q)
DL_SIGNED(DL_TO_BOOL, less, p < q)
DL_COMPARE(less_or_equal, p <= q)
DL_SIGNED(DL_TO_BOOL, less_or_equal, p <= q)

DL_BINARY(logical_and, bool, uint8_t, (p != 0) & (q != 0))
DL_BINARY(logical_or, bool, uint8_t, (p | q) != 0)
DL_BINARY(logical_xor, bool, uint8_t, (p != 0) ^ (q != 0))
DL_UNSIGNED(DL_BINARY, bit_and, p &q)
DL_UNSIGNED(DL_BINARY, bit_or, p | q)
DL_UNSIGNED(DL_BINARY, bit_xor, p ^ q)
// An amount that is negative or not less than the width leaves only copies of the sign.
#define DL_WIDTH(p) (8 * sizeof(p))
DL_UNSIGNED(DL_BINARY, shift_left, q >= DL_WIDTH(p) ? 0 : (uint64_t)p << (q & 63))
DL_UNSIGNED(DL_BINARY, shift_right, q >= DL_WIDTH(p) ? 0 : (uint64_t)p >> (q & 63))
DL_SIGNED(DL_BINARY, shift_right,
          (uint64_t)q >= DL_WIDTH(p) ? (int64_t)p >> 63 : (int64_t)p >> (q & 63))

#define DL_ROW_FLOATS(OP)                                                                          \
  [C_f32] = DL_FN(OP, f32), [C_f64] = DL_FN(OP, f64), [C_f16] = DL_FN(OP, f16),                    \
  [C_bf16] = DL_FN(OP, bf16)
#define DL_ROW_UNSIGNED(OP)                                                                        \
  [C_u8] = DL_FN(OP, u8), [C_u16] = DL_FN(OP, u16), [C_u32] = DL_FN(OP, u32),                      \
  [C_u64] = DL_FN(OP, u64)
#define DL_ROW_SIGNED(OP)                                                                          \
  [C_i8] = DL_FN(OP, i8), [C_i16] = DL_FN(OP, i16), [C_i32] = DL_FN(OP, i32),                      \
  [C_i64] = DL_FN(OP, i64)
// Signed types by the kernels of the unsigned ones, whose bits are the same.
#define DL_ROW_EITHER(OP)                                                                          \
  DL_ROW_UNSIGNED(OP), [C_i8] = DL_FN(OP, u8), [C_i16] = DL_FN(OP, u16), [C_i32] = DL_FN(OP, u32), \
                       [C_i64] = DL_FN(OP, u64)
#define DL_ROW_ALL(OP) DL_ROW_FLOATS(OP), DL_ROW_UNSIGNED(OP), DL_ROW_SIGNED(OP)

const dl_binary_fn DL_FN(binary, table)[DL_BINARY_OPS][DL_DTYPES] = {
    [DL_ADD] = {DL_ROW_FLOATS(add), DL_ROW_EITHER(add)},
    [DL_SUB] = {DL_ROW_FLOATS(sub), DL_ROW_EITHER(sub)},
    [DL_MUL] = {DL_ROW_FLOATS(mul), DL_ROW_EITHER(mul)},
    [DL_DIV] = {DL_ROW_ALL(div)},
    [DL_MIN] = {DL_ROW_ALL(min)},
    [DL_MAX] = {DL_ROW_ALL(max)},
    [DL_POW] = {DL_ROW_ALL(pow)},
    [DL_FMOD] = {DL_ROW_ALL(fmod)},
    [DL_MOD] = {DL_ROW_FLOATS(mod), DL_ROW_UNSIGNED(fmod), DL_ROW_SIGNED(mod)},
    [DL_PRELU] = {DL_ROW_ALL(prelu)},
    [DL_EQUAL] = {DL_ROW_FLOATS(equal), DL_ROW_EITHER(equal), [C_bool] = DL_FN(equal, u8)},
    [DL_GREATER] = {DL_ROW_ALL(greater)},
    [DL_GREATER_OR_EQUAL] = {DL_ROW_ALL(greater_or_equal)},
    [DL_LESS] = {DL_ROW_ALL(less)},
    [DL_LESS_OR_EQUAL] = {DL_ROW_ALL(less_or_equal)},
    [DL_LOGICAL_AND] = {[C_bool] = DL_FN(logical_and, bool)},
    [DL_LOGICAL_OR] = {[C_bool] = DL_FN(logical_or, bool)},
    [DL_LOGICAL_XOR] = {[C_bool] = DL_FN(logical_xor, bool)},
    [DL_BIT_AND] = {DL_ROW_EITHER(bit_and), [C_bool] = DL_FN(bit_and, u8)},
    [DL_BIT_OR] = {DL_ROW_EITHER(bit_or), [C_bool] = DL_FN(bit_or, u8)},
    [DL_BIT_XOR] = {DL_ROW_EITHER(bit_xor), [C_bool] = DL_FN(bit_xor, u8)},
    [DL_SHIFT_LEFT] = {DL_ROW_EITHER(shift_left)},
    [DL_SHIFT_RIGHT] = {DL_ROW_UNSIGNED(shift_right), DL_ROW_SIGNED(shift_right)},
};

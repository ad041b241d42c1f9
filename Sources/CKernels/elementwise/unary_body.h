// Unary kernels of one instruction set; see common.h.

#define DL_UNARY_ARGS const void *xp, void *yp, size_t n, const double *params

// In EXPR, v is the element, p and q are the parameters.
#define DL_UNARY_LOOP(OP, t, T, R, PRAGMA, EXPR)                                                   \
  static void DL_FN(OP, t)(DL_UNARY_ARGS) {                                                        \
    const T *x = xp;                                                                               \
    R *y = yp;                                                                                     \
    const T p = (T)params[0], q = (T)params[1];                                                    \
    (void)p, (void)q;                                                                              \
    PRAGMA for (size_t i = 0; i < n; i++) {                                                        \
      const T v = x[i];                                                                            \
      y[i] = (R)(EXPR);                                                                            \
    }                                                                                              \
  }
#define DL_UNARY(OP, t, EXPR) DL_UNARY_LOOP(OP, t, T_##t, T_##t, DL_VECTORIZE, EXPR)
#define DL_UNARY_CALLS(OP, t, EXPR) DL_UNARY_LOOP(OP, t, T_##t, T_##t, , EXPR)

static void DL_FN(half, unary)(dl_unary_fn f, void (*load)(const void *, float *, size_t),
                               void (*store)(const float *, void *, size_t), DL_UNARY_ARGS) {
  float x[DL_TILE];
  for (size_t i = 0; i < n; i += DL_TILE) {
    size_t m = n - i < DL_TILE ? n - i : DL_TILE;
    load((const uint16_t *)xp + i, x, m);
    if (store) {
      f(x, x, m, params);
      store(x, (uint16_t *)yp + i, m);
    } else {
      f(x, (uint8_t *)yp + i, m, params);
    }
  }
}
#define DL_UNARY_HALF(OP, h, STORE)                                                                \
  static void DL_FN(OP, h)(DL_UNARY_ARGS) {                                                        \
    DL_FN(half, unary)(DL_FN(OP, f32), DL_FN(load, h), STORE, xp, yp, n, params);                  \
  }
#define DL_UNARY_HALVES(OP)                                                                        \
  DL_UNARY_HALF(OP, f16, DL_FN(store, f16)) DL_UNARY_HALF(OP, bf16, DL_FN(store, bf16))

// The functions of math_body.h by width.
#define DL_M1(F) DL_FN(F, 1)
#define DL_M2(F) DL_FN(F, 2)
#define DL_FLOATS(OP, EXPR32, EXPR64)                                                              \
  DL_UNARY(OP, f32, EXPR32) DL_UNARY_CALLS(OP, f64, EXPR64) DL_UNARY_HALVES(OP)
#define DL_SAME(OP, EXPR) DL_UNARY(OP, f32, EXPR) DL_UNARY(OP, f64, EXPR) DL_UNARY_HALVES(OP)
#define DL_LIBRARY(OP, F)                                                                          \
  DL_UNARY_CALLS(OP, f32, F##f(v)) DL_UNARY_CALLS(OP, f64, F(v)) DL_UNARY_HALVES(OP)

#define DL_SIGNED(OP, EXPR)                                                                        \
  DL_UNARY(OP, i8, EXPR) DL_UNARY(OP, i16, EXPR) DL_UNARY(OP, i32, EXPR) DL_UNARY(OP, i64, EXPR)
#define DL_UNSIGNED(OP, EXPR)                                                                      \
  DL_UNARY(OP, u8, EXPR) DL_UNARY(OP, u16, EXPR) DL_UNARY(OP, u32, EXPR) DL_UNARY(OP, u64, EXPR)

DL_SAME(neg, -v)
DL_SIGNED(neg, 0 - (uint64_t)v)
DL_FLOATS(abs, __builtin_fabsf(v), __builtin_fabs(v))
DL_SIGNED(abs, v < 0 ? 0 - (uint64_t)v : (uint64_t)v)
DL_UNSIGNED(abs, v)
DL_SAME(sign, v > 0 ? 1 : v < 0 ? -1 : v)
DL_SIGNED(sign, (v > 0) - (v < 0))
DL_UNSIGNED(sign, v != 0)
// Not those of the C library, which would set errno.
DL_SAME(sqrt, __builtin_elementwise_sqrt(v))
DL_SAME(reciprocal, 1 / v)
#ifdef DL_SEGMENTS
// Over 16 lanes by intrinsics.
#define DL_WHOLE32(OP, EXPR32) DL_OVER16(DL_FN(OP, f32), dl_##OP##_avx512)
#else
#define DL_WHOLE32(OP, EXPR32) DL_UNARY(OP, f32, EXPR32)
#endif
#define DL_WHOLE(OP, EXPR32, EXPR64)                                                               \
  DL_WHOLE32(OP, EXPR32) DL_UNARY(OP, f64, EXPR64) DL_UNARY_HALVES(OP)
#define DL_WHOLE_CALLS(OP, EXPR32, EXPR64)                                                         \
  DL_WHOLE32(OP, EXPR32) DL_UNARY_CALLS(OP, f64, EXPR64) DL_UNARY_HALVES(OP)
DL_WHOLE(exp, DL_M1(exp)(v), DL_M2(exp)(v))
DL_FLOATS(log, DL_M1(log)(v), DL_M2(log)(v))
DL_WHOLE_CALLS(erf, DL_M1(erf)(v), DL_M2(erf)(v))
DL_LIBRARY(floor, __builtin_floor)
DL_LIBRARY(ceil, __builtin_ceil)
DL_FLOATS(round, DL_M1(round)(v), DL_M2(round)(v))
// Sine, cosine and tangent of float32 to the range of DL_FN(wave, 1), by the library beyond it,
// element by element, so that a number has the same result wherever it stands.
#define DL_WAVE(OP, TURN)                                                                          \
  static void DL_FN(OP, f32)(DL_UNARY_ARGS) {                                                      \
    (void)params;                                                                                  \
    float tile[DL_TILE];                                                                           \
    for (size_t i = 0; i < n; i += DL_TILE) {                                                      \
      const size_t m = n - i < DL_TILE ? n - i : DL_TILE;                                          \
      const float *x = (const float *)xp + i;                                                      \
      float *y = (float *)yp + i;                                                                  \
      int far = 0;                                                                                 \
      DL_VECTORIZE for (size_t j = 0; j < m; j++) {                                                \
        const float v = x[j];                                                                      \
        tile[j] = v;                                                                               \
        far |= !(__builtin_fabsf(v) <= 1e6f);                                                      \
        y[j] = DL_FN(wave, 1)(v, TURN);                                                            \
      }                                                                                            \
      for (size_t j = 0; far && j < m; j++)                                                        \
        if (!(__builtin_fabsf(tile[j]) <= 1e6f))                                                   \
          y[j] = OP##f(tile[j]);                                                                   \
    }                                                                                              \
  }                                                                                                \
  DL_UNARY_CALLS(OP, f64, OP(v)) DL_UNARY_HALVES(OP)
DL_WAVE(sin, 0)
DL_WAVE(cos, 1)
DL_WAVE(tan, 2)
DL_FLOATS(asin, DL_M1(asin)(v), asin(v))
DL_FLOATS(acos, DL_M1(acos)(v), acos(v))
DL_FLOATS(atan, DL_M1(atan)(v), atan(v))
DL_FLOATS(sinh, DL_M1(sinh)(v), sinh(v))
DL_FLOATS(cosh, DL_M1(cosh)(v), cosh(v))
DL_FLOATS(asinh, DL_M1(asinh)(v), asinh(v))
DL_FLOATS(acosh, DL_M1(acosh)(v), acosh(v))
DL_FLOATS(atanh, DL_M1(atanh)(v), atanh(v))

// Comparisons are written so that NaN stays NaN.
DL_SAME(relu, v <= 0 ? 0 : v)
DL_SIGNED(relu, v < 0 ? 0 : v)
DL_SAME(leaky_relu, v < 0 ? v * p : v)
DL_FLOATS(elu, v < 0 ? p * DL_M1(expm1)(v) : v, v < 0 ? p * DL_M2(expm1)(v) : v)
DL_FLOATS(selu, q *(v > 0 ? v : p * DL_M1(expm1)(v)), q *(v > 0 ? v : p * DL_M2(expm1)(v)))
DL_FLOATS(celu, v > 0 ? v : p * DL_M1(expm1)(v / p), v > 0 ? v : p * DL_M2(expm1)(v / p))
DL_WHOLE(sigmoid, DL_M1(sigmoid)(v), DL_M2(sigmoid)(v))
#define DL_HARD(v) ((v) > 1 ? 1 : (v) < 0 ? 0 : (v))
DL_SAME(hard_sigmoid, DL_HARD(p *v + q))
DL_UNARY(hard_swish, f32, v *DL_HARD(v *(1.0f / 6) + 0.5f))
DL_UNARY(hard_swish, f64, v *DL_HARD(v *(1.0 / 6) + 0.5))
DL_UNARY_HALVES(hard_swish)
DL_WHOLE(tanh, DL_M1(tanh)(v), DL_M2(tanh)(v))
DL_FLOATS(softplus, (v <= 0 ? 0 : v) + DL_M1(log1p)(DL_M1(exp)(-__builtin_fabsf(v))),
          (v <= 0 ? 0 : v) + DL_M2(log1p)(DL_M2(exp)(-__builtin_fabs(v))))
DL_FLOATS(softsign, v / (1 + __builtin_fabsf(v)), v / (1 + __builtin_fabs(v)))
DL_SAME(thresholded_relu, v > p ? v : 0)
#ifdef DL_SEGMENTS
DL_OVER16(DL_FN(gelu, f32), dl_gelu_avx512)
DL_OVER16(DL_FN(gelu_tanh, f32), dl_gelu_tanh_avx512)
#else
DL_UNARY(gelu, f32, 0.5f * v * (1.0f + DL_M1(erf)(v * 0.70710678118654752f)))
DL_UNARY(gelu_tanh, f32,
         0.5f * v * (1.0f + DL_M1(tanh)(0.79788456080286536f * (v + 0.044715f * v * v * v))))
#endif
DL_UNARY_CALLS(gelu, f64, 0.5 * v * (1.0 + DL_M2(erf)(v * 0.70710678118654752440)))
DL_UNARY_CALLS(gelu_tanh, f64,
               0.5 * v * (1.0 + DL_M2(tanh)(0.79788456080286535588 * (v + 0.044715 * v * v * v))))
DL_UNARY_HALVES(gelu)
DL_UNARY_HALVES(gelu_tanh)
// tanh(log(1 + e)) = (e^2 + 2e) / (e^2 + 2e + 2); beyond 20 it is 1.
static inline float DL_FN(mish, 1)(float v) {
  float e = DL_FN(exp, 1)(v > 20.0f ? 20.0f : v), m = e * (e + 2.0f);
  return v * (m / (m + 2.0f));
}
static inline double DL_FN(mish, 2)(double v) {
  double e = exp(v > 40.0 ? 40.0 : v), m = e * (e + 2.0);
  return v * (m / (m + 2.0));
}
DL_FLOATS(mish, DL_M1(mish)(v), DL_M2(mish)(v))
DL_FLOATS(swish, v *DL_M1(sigmoid)(p *v), v *DL_M2(sigmoid)(p *v))
#ifdef DL_SEGMENTS
DL_OVER16(DL_FN(gelu_slope, f32), dl_gelu_slope_avx512)
#else
DL_UNARY(gelu_slope, f32,
         0.5f * (1.0f + DL_M1(erf)(v * 0.70710678118654752f)) +
             v * (0.39894228040143268f * DL_M1(exp)(-0.5f * v * v)))
#endif
DL_UNARY_CALLS(gelu_slope, f64,
               0.5 * (1.0 + DL_M2(erf)(v * 0.70710678118654752440)) +
                   v * (0.39894228040143267794 * DL_M2(exp)(-0.5 * v * v)))
DL_UNARY_HALVES(gelu_slope)
DL_SAME(divide_by, v / p)
DL_UNSIGNED(bit_not, ~v)
DL_UNARY(logical_not, bool, v == 0)

#define DL_TO_BOOL(OP, EXPR)                                                                       \
  DL_UNARY_LOOP(OP, f32, float, uint8_t, DL_VECTORIZE, EXPR)                                       \
  DL_UNARY_LOOP(OP, f64, double, uint8_t, DL_VECTORIZE, EXPR)                                      \
  DL_UNARY_HALF(OP, f16, NULL) DL_UNARY_HALF(OP, bf16, NULL)
DL_TO_BOOL(is_nan, v != v)
DL_TO_BOOL(is_inf, ((v == -INFINITY) & (p != 0)) | ((v == INFINITY) & (q != 0)))

#define DL_ROW_FLOATS(OP)                                                                          \
  [C_f32] = DL_FN(OP, f32), [C_f64] = DL_FN(OP, f64), [C_f16] = DL_FN(OP, f16),                    \
  [C_bf16] = DL_FN(OP, bf16)
#define DL_ROW_UNSIGNED(OP)                                                                        \
  [C_u8] = DL_FN(OP, u8), [C_u16] = DL_FN(OP, u16), [C_u32] = DL_FN(OP, u32),                      \
  [C_u64] = DL_FN(OP, u64)
#define DL_ROW_SIGNED(OP)                                                                          \
  [C_i8] = DL_FN(OP, i8), [C_i16] = DL_FN(OP, i16), [C_i32] = DL_FN(OP, i32),                      \
  [C_i64] = DL_FN(OP, i64)

const dl_unary_fn DL_FN(unary, table)[DL_UNARY_OPS][DL_DTYPES] = {
    [DL_NEG] = {DL_ROW_FLOATS(neg), DL_ROW_SIGNED(neg)},
    [DL_ABS] = {DL_ROW_FLOATS(abs), DL_ROW_SIGNED(abs), DL_ROW_UNSIGNED(abs)},
    [DL_SIGN] = {DL_ROW_FLOATS(sign), DL_ROW_SIGNED(sign), DL_ROW_UNSIGNED(sign)},
    [DL_SQRT] = {DL_ROW_FLOATS(sqrt)},
    [DL_RECIPROCAL] = {DL_ROW_FLOATS(reciprocal)},
    [DL_EXP] = {DL_ROW_FLOATS(exp)},
    [DL_LOG] = {DL_ROW_FLOATS(log)},
    [DL_ERF] = {DL_ROW_FLOATS(erf)},
    [DL_FLOOR] = {DL_ROW_FLOATS(floor)},
    [DL_CEIL] = {DL_ROW_FLOATS(ceil)},
    [DL_ROUND] = {DL_ROW_FLOATS(round)},
    [DL_SIN] = {DL_ROW_FLOATS(sin)},
    [DL_COS] = {DL_ROW_FLOATS(cos)},
    [DL_TAN] = {DL_ROW_FLOATS(tan)},
    [DL_ASIN] = {DL_ROW_FLOATS(asin)},
    [DL_ACOS] = {DL_ROW_FLOATS(acos)},
    [DL_ATAN] = {DL_ROW_FLOATS(atan)},
    [DL_SINH] = {DL_ROW_FLOATS(sinh)},
    [DL_COSH] = {DL_ROW_FLOATS(cosh)},
    [DL_ASINH] = {DL_ROW_FLOATS(asinh)},
    [DL_ACOSH] = {DL_ROW_FLOATS(acosh)},
    [DL_ATANH] = {DL_ROW_FLOATS(atanh)},
    [DL_RELU] = {DL_ROW_FLOATS(relu), DL_ROW_SIGNED(relu)},
    [DL_LEAKY_RELU] = {DL_ROW_FLOATS(leaky_relu)},
    [DL_ELU] = {DL_ROW_FLOATS(elu)},
    [DL_SELU] = {DL_ROW_FLOATS(selu)},
    [DL_CELU] = {DL_ROW_FLOATS(celu)},
    [DL_SIGMOID] = {DL_ROW_FLOATS(sigmoid)},
    [DL_HARD_SIGMOID] = {DL_ROW_FLOATS(hard_sigmoid)},
    [DL_HARD_SWISH] = {DL_ROW_FLOATS(hard_swish)},
    [DL_TANH] = {DL_ROW_FLOATS(tanh)},
    [DL_SOFTPLUS] = {DL_ROW_FLOATS(softplus)},
    [DL_SOFTSIGN] = {DL_ROW_FLOATS(softsign)},
    [DL_THRESHOLDED_RELU] = {DL_ROW_FLOATS(thresholded_relu)},
    [DL_GELU] = {DL_ROW_FLOATS(gelu)},
    [DL_GELU_TANH] = {DL_ROW_FLOATS(gelu_tanh)},
    [DL_MISH] = {DL_ROW_FLOATS(mish)},
    [DL_SWISH] = {DL_ROW_FLOATS(swish)},
    [DL_GELU_SLOPE] = {DL_ROW_FLOATS(gelu_slope)},
    [DL_DIVIDE_BY] = {DL_ROW_FLOATS(divide_by)},
    [DL_BIT_NOT] =
        {DL_ROW_UNSIGNED(bit_not), [C_i8] = DL_FN(bit_not, u8), [C_i16] = DL_FN(bit_not, u16),
         [C_i32] = DL_FN(bit_not, u32), [C_i64] = DL_FN(bit_not, u64)},
    [DL_LOGICAL_NOT] = {[C_bool] = DL_FN(logical_not, bool)},
    [DL_IS_NAN] = {DL_ROW_FLOATS(is_nan)},
    [DL_IS_INF] = {DL_ROW_FLOATS(is_inf)},
};

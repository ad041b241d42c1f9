// Elementwise kernels: one function an operation and element type, chosen by table.
//
// Common rules. `n` counts elements. Input strides are 0 (one element for all) or 1. The output
// is dense and may be exactly one of the inputs whose stride is 1 and whose elements are as wide;
// any other overlap is not allowed. No alignment is needed. n may be 0, then nothing is read.
// Kernels never trap: an integer divided by zero gives 0, the least integer divided by -1 wraps.
// float16 and bfloat16 are computed in float32 and rounded once, to nearest even.
#ifndef DL_ELEMENTWISE_H
#define DL_ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>

// Element types by the codes of ONNX; kernels exist for codes below DL_DTYPES.
enum { DL_DTYPES = 17 };

// Instruction sets, each including those before it. avx2 stands for AVX2, FMA and F16C; avx512
// for F, BW, DQ and VL on top of that.
enum dl_isa { DL_SCALAR = 0, DL_AVX2 = 1, DL_AVX512 = 2 };

// The widest instruction set that this processor and its operating system run.
int dl_elementwise_isa(void);

enum dl_binary_op {
  DL_ADD,
  DL_SUB,
  DL_MUL,
  DL_DIV,
  DL_MIN,
  DL_MAX,
  DL_POW,
  DL_FMOD,
  DL_MOD,
  DL_PRELU,
  DL_EQUAL,
  DL_GREATER,
  DL_GREATER_OR_EQUAL,
  DL_LESS,
  DL_LESS_OR_EQUAL,
  DL_LOGICAL_AND,
  DL_LOGICAL_OR,
  DL_LOGICAL_XOR,
  DL_BIT_AND,
  DL_BIT_OR,
  DL_BIT_XOR,
  DL_SHIFT_LEFT,
  DL_SHIFT_RIGHT,
  DL_BINARY_OPS
};

// y[i] = op(a[i * sa], b[i * sb]). Comparisons and logic write one byte, 0 or 1, an element.
typedef void (*dl_binary_fn)(const void *a, const void *b, void *y, size_t n, size_t sa, size_t sb);

// The kernel of `op` for `dtype`, or NULL where there is none.
dl_binary_fn dl_binary_kernel(int op, int dtype, int isa);

enum dl_unary_op {
  DL_NEG,
  DL_ABS,
  DL_SIGN,
  DL_SQRT,
  DL_RECIPROCAL,
  DL_EXP,
  DL_LOG,
  DL_ERF,
  DL_FLOOR,
  DL_CEIL,
  DL_ROUND,
  DL_SIN,
  DL_COS,
  DL_TAN,
  DL_ASIN,
  DL_ACOS,
  DL_ATAN,
  DL_SINH,
  DL_COSH,
  DL_ASINH,
  DL_ACOSH,
  DL_ATANH,
  DL_RELU,
  DL_LEAKY_RELU,
  DL_ELU,
  DL_SELU,
  DL_CELU,
  DL_SIGMOID,
  DL_HARD_SIGMOID,
  DL_HARD_SWISH,
  DL_TANH,
  DL_SOFTPLUS,
  DL_SOFTSIGN,
  DL_THRESHOLDED_RELU,
  DL_GELU,
  DL_GELU_TANH,
  DL_MISH,
  DL_SWISH,
  DL_GELU_SLOPE,
  DL_DIVIDE_BY,
  DL_BIT_NOT,
  DL_LOGICAL_NOT,
  DL_IS_NAN,
  DL_IS_INF,
  DL_UNARY_OPS
};

// y[i] = op(x[i]; p[0], p[1]). IS_NAN and IS_INF write one byte, 0 or 1, an element; IS_INF
// answers for -inf where p[0] is not 0 and for +inf where p[1] is not 0.
typedef void (*dl_unary_fn)(const void *x, void *y, size_t n, const double *p);

dl_unary_fn dl_unary_kernel(int op, int dtype, int isa);

// y[i] = (dtype `to`) x[i]. Floats round to nearest even and overflow to infinity. Integers wrap.
// Floats become integers by dropping the fraction; out of range and NaN give what x86 gives: the
// least integer for 32 and 64 bits, and the low bits of that for narrower types. To bool: not 0.
// x and y must not overlap.
typedef void (*dl_cast_fn)(const void *x, void *y, size_t n);

dl_cast_fn dl_cast_kernel(int from, int to, int isa);

// y[i] = c[i * sc] ? a[i * sa] : b[i * sb], for elements of 1, 2, 4, 8 or 16 bytes; c is one byte
// an element. NULL for another width.
typedef void (*dl_where_fn)(const uint8_t *c, const void *a, const void *b, void *y, size_t n,
                            size_t sc, size_t sa, size_t sb);

dl_where_fn dl_where_kernel(int width_bytes, int isa);

// y[i] = min(max(x[i], *low), *high), *high where *low > *high; NaN stays. Bounds are no NaN.
typedef void dl_clip_fn(size_t n, const void *x, const void *low, const void *high, void *y);
dl_clip_fn dl_clip_f32__scalar, dl_clip_f32__avx2, dl_clip_f32__avx512;
dl_clip_fn dl_clip_f64__scalar, dl_clip_f64__avx2, dl_clip_f64__avx512;
dl_clip_fn dl_clip_i32__scalar, dl_clip_i32__avx2, dl_clip_i32__avx512;

#endif

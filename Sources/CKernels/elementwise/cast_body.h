// Conversions and selection of one instruction set; see common.h.

#define DL_CAST(from, to, R, EXPR)                                                                 \
  static void DL_FN(from##_to, to)(const void *xp, void *yp, size_t n) {                           \
    const T_##from *x = xp;                                                                        \
    R *y = yp;                                                                                     \
    DL_VECTORIZE for (size_t i = 0; i < n; i++) {                                                  \
      const T_##from v = x[i];                                                                     \
      y[i] = (R)(EXPR);                                                                            \
    }                                                                                              \
  }

// What x86 gives for floats that no integer of the width can hold, written out so that no
// conversion is out of its range.
#define DL_TO_I32(v) ((v) >= -0x1p31f && (v) < 0x1p31f ? (int32_t)(v) : INT32_MIN)
#define DL_TO_I64(v) ((v) >= -0x1p63f && (v) < 0x1p63f ? (int64_t)(v) : INT64_MIN)
#define DL_TO_U64(v) ((v) >= 0x1p63f && (v) < 0x1p64f ? (uint64_t)(v) : (uint64_t)DL_TO_I64(v))
#define DL_FROM_FLOAT(from)                                                                        \
  DL_CAST(from, u8, uint8_t, DL_TO_I32(v))                                                         \
  DL_CAST(from, i8, int8_t, DL_TO_I32(v))                                                          \
  DL_CAST(from, u16, uint16_t, DL_TO_I32(v))                                                       \
  DL_CAST(from, i16, int16_t, DL_TO_I32(v))                                                        \
  DL_CAST(from, i32, int32_t, DL_TO_I32(v))                                                        \
  DL_CAST(from, u32, uint32_t, DL_TO_I64(v))                                                       \
  DL_CAST(from, i64, int64_t, DL_TO_I64(v))                                                        \
  DL_CAST(from, u64, uint64_t, DL_TO_U64(v))                                                       \
  DL_CAST(from, bool, uint8_t, v != 0)
#define DL_FROM_INTEGER(from)                                                                      \
  DL_CAST(from, u8, uint8_t, v)                                                                    \
  DL_CAST(from, i8, int8_t, v)                                                                     \
  DL_CAST(from, u16, uint16_t, v)                                                                  \
  DL_CAST(from, i16, int16_t, v)                                                                   \
  DL_CAST(from, i32, int32_t, v)                                                                   \
  DL_CAST(from, u32, uint32_t, v)                                                                  \
  DL_CAST(from, i64, int64_t, v)                                                                   \
  DL_CAST(from, u64, uint64_t, v)                                                                  \
  DL_CAST(from, bool, uint8_t, v != 0)                                                             \
  DL_CAST(from, f32, float, v)                                                                     \
  DL_CAST(from, f64, double, v)                                                                    \
  DL_CAST(from, odd, float, v)                                                                     \
  DL_TO_HALVES(from)

// float64 to float32, rounded to odd: a second rounding to fewer bits then errs no more than one.
static inline float DL_FN(odd, 2)(double v) {
  float f = (float)v;
  uint32_t u = dl_bits(f);
  double back = f, a = __builtin_fabs(v), b = __builtin_fabs(back);
  uint32_t toward = b > a ? u - 1 : u;
  return dl_float(((back == v) | (v != v)) ? u : (toward | 1));
}

#define DL_TO_HALF(from, h)                                                                        \
  static void DL_FN(from##_to, h)(const void *xp, void *yp, size_t n) {                            \
    float t[DL_TILE];                                                                              \
    for (size_t i = 0; i < n; i += DL_TILE) {                                                      \
      size_t m = n - i < DL_TILE ? n - i : DL_TILE;                                                \
      DL_FN(from##_to, odd)((const T_##from *)xp + i, t, m);                                       \
      DL_FN(store, h)(t, (uint16_t *)yp + i, m);                                                   \
    }                                                                                              \
  }
#define DL_TO_HALVES(from) DL_TO_HALF(from, f16) DL_TO_HALF(from, bf16)

DL_CAST(f32, f64, double, v)
DL_CAST(f32, f32, float, v)
DL_CAST(f64, f32, float, v)
DL_CAST(f64, f64, double, v)
DL_CAST(f64, odd, float, DL_FN(odd, 2)(v))
DL_FROM_FLOAT(f32)
DL_FROM_FLOAT(f64)
DL_TO_HALVES(f64)
DL_FROM_INTEGER(u8)
DL_FROM_INTEGER(i8)
DL_FROM_INTEGER(u16)
DL_FROM_INTEGER(i16)
DL_FROM_INTEGER(i32)
DL_FROM_INTEGER(u32)
DL_FROM_INTEGER(i64)
DL_FROM_INTEGER(u64)

#define DL_FROM_HALF(h, to)                                                                        \
  static void DL_FN(h##_to, to)(const void *xp, void *yp, size_t n) {                              \
    float t[DL_TILE];                                                                              \
    for (size_t i = 0; i < n; i += DL_TILE) {                                                      \
      size_t m = n - i < DL_TILE ? n - i : DL_TILE;                                                \
      DL_FN(load, h)((const uint16_t *)xp + i, t, m);                                              \
      DL_FN(f32_to, to)(t, (T_##to *)yp + i, m);                                                   \
    }                                                                                              \
  }
typedef uint16_t T_f16;
typedef uint16_t T_bf16;
#define DL_HALF_AND_FLOAT(h)                                                                       \
  static void DL_FN(f32_to, h)(const void *xp, void *yp, size_t n) { DL_FN(store, h)(xp, yp, n); } \
  static void DL_FN(h##_to, f32)(const void *xp, void *yp, size_t n) { DL_FN(load, h)(xp, yp, n); }
DL_HALF_AND_FLOAT(f16)
DL_HALF_AND_FLOAT(bf16)
#define DL_FROM_HALF_ALL(h)                                                                        \
  DL_FROM_HALF(h, u8)                                                                              \
  DL_FROM_HALF(h, i8)                                                                              \
  DL_FROM_HALF(h, u16)                                                                             \
  DL_FROM_HALF(h, i16)                                                                             \
  DL_FROM_HALF(h, i32)                                                                             \
  DL_FROM_HALF(h, u32)                                                                             \
  DL_FROM_HALF(h, i64)                                                                             \
  DL_FROM_HALF(h, u64)                                                                             \
  DL_FROM_HALF(h, bool)                                                                            \
  DL_FROM_HALF(h, f64)                                                                             \
  DL_FROM_HALF(h, f16)                                                                             \
  DL_FROM_HALF(h, bf16)
DL_FROM_HALF_ALL(f16)
DL_FROM_HALF_ALL(bf16)

#define DL_ROW(from)                                                                               \
  {                                                                                                \
    [C_f32] = DL_FN(from##_to, f32), [C_f64] = DL_FN(from##_to, f64),                              \
    [C_u8] = DL_FN(from##_to, u8), [C_i8] = DL_FN(from##_to, i8), [C_u16] = DL_FN(from##_to, u16), \
    [C_i16] = DL_FN(from##_to, i16), [C_i32] = DL_FN(from##_to, i32),                              \
    [C_u32] = DL_FN(from##_to, u32), [C_i64] = DL_FN(from##_to, i64),                              \
    [C_u64] = DL_FN(from##_to, u64), [C_bool] = DL_FN(from##_to, bool),                            \
    [C_f16] = DL_FN(from##_to, f16), [C_bf16] = DL_FN(from##_to, bf16)                             \
  }

const dl_cast_fn DL_FN(cast, table)[DL_DTYPES][DL_DTYPES] = {
    [C_f32] = DL_ROW(f32), [C_f64] = DL_ROW(f64), [C_f16] = DL_ROW(f16), [C_bf16] = DL_ROW(bf16),
    [C_u8] = DL_ROW(u8),   [C_i8] = DL_ROW(i8),   [C_u16] = DL_ROW(u16), [C_i16] = DL_ROW(i16),
    [C_i32] = DL_ROW(i32), [C_u32] = DL_ROW(u32), [C_i64] = DL_ROW(i64), [C_u64] = DL_ROW(u64),
    [C_bool] = DL_ROW(u8),
};

#define DL_WHERE(T, bytes, PRAGMA)                                                                 \
  static void DL_FN(where, bytes)(const uint8_t *c, const void *ap, const void *bp, void *yp,      \
                                  size_t n, size_t sc, size_t sa, size_t sb) {                     \
    const T *a = ap, *b = bp;                                                                      \
    T *y = yp;                                                                                     \
    if (n == 0)                                                                                    \
      return;                                                                                      \
    if (sc && sa && sb) {                                                                          \
      PRAGMA for (size_t i = 0; i < n; i++) {                                                      \
        const T p = a[i], q = b[i];                                                                \
        y[i] = c[i] ? p : q;                                                                       \
      }                                                                                            \
    } else if (sc && sa) {                                                                         \
      const T q = b[0];                                                                            \
      PRAGMA for (size_t i = 0; i < n; i++) {                                                      \
        const T p = a[i];                                                                          \
        y[i] = c[i] ? p : q;                                                                       \
      }                                                                                            \
    } else if (sc && sb) {                                                                         \
      const T p = a[0];                                                                            \
      PRAGMA for (size_t i = 0; i < n; i++) {                                                      \
        const T q = b[i];                                                                          \
        y[i] = c[i] ? p : q;                                                                       \
      }                                                                                            \
    } else {                                                                                       \
      for (size_t i = 0; i < n; i++)                                                               \
        y[i] = c[i * sc] ? a[i * sa] : b[i * sb];                                                  \
    }                                                                                              \
  }
DL_WHERE(uint8_t, 1, DL_VECTORIZE)
DL_WHERE(uint16_t, 2, DL_VECTORIZE)
DL_WHERE(uint32_t, 4, DL_VECTORIZE)
DL_WHERE(uint64_t, 8, DL_VECTORIZE)
typedef struct {
  uint64_t low, high;
} DL_FN(pair, t);
DL_WHERE(DL_FN(pair, t), 16, )

const dl_where_fn DL_FN(where, table)[17] = {[1] = DL_FN(where, 1),
                                             [2] = DL_FN(where, 2),
                                             [4] = DL_FN(where, 4),
                                             [8] = DL_FN(where, 8),
                                             [16] = DL_FN(where, 16)};

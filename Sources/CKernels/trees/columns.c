#include "../include/trees.h"
#include <math.h>

static int is_member(const double *members, uint32_t first, uint32_t count, double x) {
  uint32_t lo = first, hi = first + count;
  while (lo < hi) {
    uint32_t mid = lo + (hi - lo) / 2;
    if (members[mid] < x)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo < first + count && members[lo] == x;
}

// Integers are compared as the real numbers that they are converted to.
#define COLUMNS(SOURCE, REAL)                                                                      \
  static void columns_##SOURCE##_##REAL(                                                           \
      const dl_forest_column *columns, int n, const double *members, const SOURCE *x,              \
      size_t features, int count, REAL *out, size_t row_step, size_t column_step) {                \
    for (int c = 0; c < n; c++) {                                                                  \
      const dl_forest_column k = columns[c];                                                       \
      const SOURCE *from = x + k.feature;                                                          \
      REAL *to = out + (size_t)c * column_step;                                                    \
      if (k.kind == 0)                                                                             \
        for (int r = 0; r < count; r++)                                                            \
          to[(size_t)r * row_step] = (REAL)from[(size_t)r * features];                             \
      else if (k.kind == 1)                                                                        \
        for (int r = 0; r < count; r++) {                                                          \
          REAL v = (REAL)from[(size_t)r * features];                                               \
          to[(size_t)r * row_step] = v != v ? -(REAL)INFINITY : v;                                 \
        }                                                                                          \
      else                                                                                         \
        for (int r = 0; r < count; r++) {                                                          \
          REAL v = (REAL)from[(size_t)r * features];                                               \
          int in = v != v ? (int)k.nan_is_member : is_member(members, k.first, k.count, v);        \
          to[(size_t)r * row_step] = in ? 0 : 1;                                                   \
        }                                                                                          \
    }                                                                                              \
  }

#define ALL(REAL, SUFFIX)                                                                          \
  COLUMNS(float, REAL)                                                                             \
  COLUMNS(double, REAL)                                                                            \
  COLUMNS(int32_t, REAL)                                                                           \
  COLUMNS(int64_t, REAL)                                                                           \
  void dl_forest_columns_##SUFFIX(const dl_forest_column *columns, int n, const double *members,   \
                                  const void *x, int dtype, size_t features, int count, REAL *out, \
                                  size_t row_step, size_t column_step) {                           \
    switch (dtype) {                                                                               \
    case 0:                                                                                        \
      columns_float_##REAL(columns, n, members, x, features, count, out, row_step, column_step);   \
      break;                                                                                       \
    case 1:                                                                                        \
      columns_double_##REAL(columns, n, members, x, features, count, out, row_step, column_step);  \
      break;                                                                                       \
    case 2:                                                                                        \
      columns_int32_t_##REAL(columns, n, members, x, features, count, out, row_step, column_step); \
      break;                                                                                       \
    default:                                                                                       \
      columns_int64_t_##REAL(columns, n, members, x, features, count, out, row_step, column_step); \
    }                                                                                              \
  }

ALL(float, f32)
ALL(double, f64)

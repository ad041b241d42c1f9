#include "common.h"

// The tables of each instruction set, and the choice among them.

#define DL_TABLES(isa)                                                                             \
  extern const dl_binary_fn dl_binary_table__##isa[DL_BINARY_OPS][DL_DTYPES];                      \
  extern const dl_unary_fn dl_unary_table__##isa[DL_UNARY_OPS][DL_DTYPES];                         \
  extern const dl_cast_fn dl_cast_table__##isa[DL_DTYPES][DL_DTYPES];                              \
  extern const dl_where_fn dl_where_table__##isa[17];

DL_TABLES(scalar)
#if defined(__x86_64__)
DL_TABLES(avx2)
DL_TABLES(avx512)
#define DL_CHOOSE(table, isa, INDEX)                                                               \
  (isa == DL_AVX512 ? dl_##table##_table__avx512 INDEX                                             \
   : isa == DL_AVX2 ? dl_##table##_table__avx2 INDEX                                               \
                    : dl_##table##_table__scalar INDEX)
#else
#define DL_CHOOSE(table, isa, INDEX) ((void)isa, dl_##table##_table__scalar INDEX)
#endif

int dl_elementwise_isa(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("f16c")))
    return DL_SCALAR;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return DL_AVX512;
  return DL_AVX2;
#else
  return DL_SCALAR;
#endif
}

static int in(int value, int end) { return value >= 0 && value < end; }

dl_binary_fn dl_binary_kernel(int op, int dtype, int isa) {
  if (!in(op, DL_BINARY_OPS) || !in(dtype, DL_DTYPES))
    return NULL;
  return DL_CHOOSE(binary, isa, [op][dtype]);
}

dl_unary_fn dl_unary_kernel(int op, int dtype, int isa) {
  if (!in(op, DL_UNARY_OPS) || !in(dtype, DL_DTYPES))
    return NULL;
  return DL_CHOOSE(unary, isa, [op][dtype]);
}

dl_cast_fn dl_cast_kernel(int from, int to, int isa) {
  if (!in(from, DL_DTYPES) || !in(to, DL_DTYPES))
    return NULL;
  return DL_CHOOSE(cast, isa, [from][to]);
}

dl_where_fn dl_where_kernel(int width_bytes, int isa) {
  if (!in(width_bytes, 17))
    return NULL;
  return DL_CHOOSE(where, isa, [width_bytes]);
}

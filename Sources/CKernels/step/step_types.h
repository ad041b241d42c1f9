// Every update for float and double, under the names of DL_ISA.
#include <math.h>

#define DL_STEP_JOIN2(a, b, c) dl_step_##a##_##b##__##c
#define DL_STEP_JOIN(a, b, c) DL_STEP_JOIN2(a, b, c)

#define T float
// Without errno, which would keep loops from becoming vectors.
#define DL_SQRT __builtin_elementwise_sqrt
#define DL_POW powf
#define DL_STEP_NAME(name) DL_STEP_JOIN(name, f32, DL_ISA)
#include "step_body.h"
#undef T
#undef DL_SQRT
#undef DL_POW
#undef DL_STEP_NAME

#define T double
#define DL_SQRT __builtin_elementwise_sqrt
#define DL_POW pow
#define DL_STEP_NAME(name) DL_STEP_JOIN(name, f64, DL_ISA)
#include "step_body.h"

dl_step_fn DL_STEP_JOIN(choose, any, DL_ISA)(int step, int is_double) {
  return is_double ? DL_STEP_JOIN(table, f64, DL_ISA)[step]
                   : DL_STEP_JOIN(table, f32, DL_ISA)[step];
}

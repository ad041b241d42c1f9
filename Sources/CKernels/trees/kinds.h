// The three kinds of walks, for one instruction set. ISA is its suffix.
#include "../include/trees.h"

#define GLUE_(a, b) a##__##b
#define GLUE(a, b) GLUE_(a, b)

#define NODE dl_tree_node_f32
#define REAL float
#define SUM float
#define COLUMN(n) ((n).link >> 2 & mask)
#define CHILD(n) ((n).link >> shift)
#define NAME(a) a##_f32
#include "walk_body.h"
#undef NODE
#undef REAL
#undef SUM
#undef COLUMN
#undef CHILD
#undef NAME

#ifndef ONLY_F32
#define NODE dl_tree_node_wide
#define REAL double
#define SUM float
#define COLUMN(n) ((n).column)
#define CHILD(n) ((n).link >> shift)
#define NAME(a) a##_wide_f32
#include "walk_body.h"
#undef SUM
#undef NAME
#define SUM double
#define NAME(a) a##_wide_f64
#include "walk_body.h"
#undef NODE
#undef REAL
#undef SUM
#undef COLUMN
#undef CHILD
#undef NAME

void GLUE(dl_forest_sum_wide_f32, ISA)(const dl_forest *f, const double *x, int count, float *sums,
                                       uint32_t *at, uint32_t *list) {
  sum_wide_f32(f, x, count, sums, at, list);
}
void GLUE(dl_forest_sum_wide_f64, ISA)(const dl_forest *f, const double *x, int count, double *sums,
                                       uint32_t *at, uint32_t *list) {
  sum_wide_f64(f, x, count, sums, at, list);
}
#endif

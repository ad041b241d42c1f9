// Forests of decision trees over blocks of rows.
//
// Every test is `x[column] <= value`: true goes to `child`, false (a NaN too) to `child + 1`. Other
// comparisons are brought to this form when a forest is packed: by neighbouring floating point
// numbers, swapped children, and columns of their own for NaNs that go left and for sets.
#ifndef DL_TREES_H
#define DL_TREES_H

#include <stddef.h>
#include <stdint.h>

// Eight bytes. Inner: `link` holds, from the low end, whether the left child is a leaf, whether the
// right one is, the column, and from bit `shift` on the left child's place in the tree.
// Leaf: `value` is its weight, `link >> shift` its row among the tree's weights.
typedef struct {
  float value;
  uint32_t link;
} dl_tree_node_f32;

// The same for any number of columns and nodes, `shift` being 2.
typedef struct {
  double value;
  uint32_t column;
  uint32_t link;
} dl_tree_node_wide;

// A test of a tree's head, for a word of 32 exits, the first in the highest bit: rows that fail it
// keep only the exits of `keep`. `offset` is the column times the block's rows.
typedef struct {
  uint32_t offset;
  float value;
  uint32_t keep;
} dl_tree_test;

typedef struct {
  uint32_t first, count;
} dl_tree_word;

// The first node is the root. A head is the upper part of a tree, told by bit words.
typedef struct {
  uint64_t nodes;       // place of the first node
  uint64_t weights;     // row of the first leaf's weights
  uint64_t table;       // place in `tables` or `codes`
  uint32_t first_word;  // the head's first word
  uint32_t words;       // 0: no head
  uint32_t levels;      // tests on the shortest way from the root to a leaf
  int32_t target;       // where every leaf adds its one weight; -1: leaves have a row of weights
  uint32_t is_complete; // the head is the whole tree, and `tables` has the weights of its exits
  uint32_t is_leaf;     // the root is a leaf
} dl_tree;

typedef struct {
  const void *nodes;   // dl_tree_node_f32 or dl_tree_node_wide
  const void *weights; // [leaf, targets] of float or double
  const dl_tree *trees;
  const dl_tree_word *words;
  const dl_tree_test *tests;
  const float *tables;   // [words, 32] of weights, for each target that the tree has
  const uint32_t *codes; // [words, 32]: twice the node's place, plus one where it is a leaf
  int64_t tree_count;
  int32_t columns;
  int32_t targets;
  int32_t rows; // rows of a block, a multiple of 64: the stride of `xt` and `sums`
  int32_t shift;
  uint32_t column_mask;
} dl_forest;

// Adds up the weights of the leaves that `count` rows reach: sums[target * rows + row], added in
// the order of trees. `x`: [rows, columns], `xt`: [columns, rows]; xt is read up to the next
// multiple of 64 rows, and only where trees have heads (then x only where those are not complete).
// `at` and `list`: scratch of max(rows, tree_count) + 16 elements each.
typedef void dl_forest_sum_f32_fn(const dl_forest *f, const float *x, const float *xt, int count,
                                  float *sums, uint32_t *at, uint32_t *list);
typedef void dl_forest_sum_wide_f32_fn(const dl_forest *f, const double *x, int count, float *sums,
                                       uint32_t *at, uint32_t *list);
typedef void dl_forest_sum_wide_f64_fn(const dl_forest *f, const double *x, int count, double *sums,
                                       uint32_t *at, uint32_t *list);

dl_forest_sum_f32_fn dl_forest_sum_f32__scalar, dl_forest_sum_f32__avx2, dl_forest_sum_f32__avx512;
dl_forest_sum_wide_f32_fn dl_forest_sum_wide_f32__scalar, dl_forest_sum_wide_f32__avx2;
dl_forest_sum_wide_f64_fn dl_forest_sum_wide_f64__scalar, dl_forest_sum_wide_f64__avx2;

// Whether the CPU has what dl_forest_sum_f32__avx512 needs.
int dl_forest_has_avx512(void);

// A column of a packed forest. `kind` 0: the feature; 1: the feature, -infinity for NaN; 2: 0 where
// the feature is one of members[first..<first + count] (rising), else 1, and 0 for NaN where
// `nan_is_member`.
typedef struct {
  uint32_t feature;
  uint32_t kind;
  uint32_t first, count;
  uint32_t nan_is_member;
} dl_forest_column;

// Makes the columns of `count` rows of `features` elements: out[row * row_step + i * column_step].
// `dtype`: 0 float, 1 double, 2 int32, 3 int64.
void dl_forest_columns_f32(const dl_forest_column *columns, int n, const double *members,
                           const void *x, int dtype, size_t features, int count, float *out,
                           size_t row_step, size_t column_step);
void dl_forest_columns_f64(const dl_forest_column *columns, int n, const double *members,
                           const void *x, int dtype, size_t features, int count, double *out,
                           size_t row_step, size_t column_step);

// A node of any mode, as files have it: 0 <=, 1 <, 2 >=, 3 >, 4 ==, 5 !=, 6 member. Children from 0
// are nodes, below 0 leaves (~leaf).
typedef struct {
  double value;
  uint32_t feature;
  int32_t yes, no;
  uint32_t first, count; // of the members, rising
  uint8_t mode;
  uint8_t nan_is_yes;
} dl_tree_plain_node;

// One row through trees of any kind, the plain way: the oracle of the kernels above.
// `aggregate`: 0 sum, 1 least, 2 largest. Leaf l adds weights[starts[l]..<starts[l + 1]] to
// `targets` of the same places. `score` and `has` start as zeros; with `narrow` each sum is rounded
// to float.
void dl_forest_plain_row(const dl_tree_plain_node *nodes, const double *members,
                         const int32_t *roots, int64_t trees, const uint64_t *starts,
                         const uint32_t *targets, const double *weights, const double *x,
                         int aggregate, int narrow, double *score, uint8_t *has);

#endif

#include "../include/trees.h"

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

void dl_forest_plain_row(const dl_tree_plain_node *nodes, const double *members,
                         const int32_t *roots, int64_t trees, const uint64_t *starts,
                         const uint32_t *targets, const double *weights, const double *x,
                         int aggregate, int narrow, double *score, uint8_t *has) {
  for (int64_t t = 0; t < trees; t++) {
    int32_t at = roots[t];
    while (at >= 0) {
      const dl_tree_plain_node *n = &nodes[at];
      double v = x[n->feature];
      int yes = 0;
      switch (n->mode) {
      case 0:
        yes = v <= n->value;
        break;
      case 1:
        yes = v < n->value;
        break;
      case 2:
        yes = v >= n->value;
        break;
      case 3:
        yes = v > n->value;
        break;
      case 4:
        yes = v == n->value;
        break;
      case 5:
        yes = v != n->value;
        break;
      default:
        yes = is_member(members, n->first, n->count, v);
      }
      if (v != v && n->nan_is_yes)
        yes = 1;
      at = yes ? n->yes : n->no;
    }
    uint32_t leaf = (uint32_t)~at;
    for (uint64_t i = starts[leaf]; i < starts[leaf + 1]; i++) {
      uint32_t k = targets[i];
      double w = weights[i];
      switch (aggregate) {
      case 0:
        // The sum of two floats in double, rounded, is their sum in float.
        score[k] = narrow ? (float)(score[k] + w) : score[k] + w;
        break;
      case 1:
        if (!has[k] || w < score[k])
          score[k] = w;
        break;
      default:
        if (!has[k] || w > score[k])
          score[k] = w;
      }
      has[k] = 1;
    }
  }
}

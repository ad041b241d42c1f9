// Included for each kind of node and instruction set, with NODE, REAL, SUM, NAME, COLUMN(link or
// node) and CHILD defined. Walks rows (or trees) side by side: their loads do not wait for each
// other, and no branch depends on a comparison.

#define STEP(node, xrow, go)                                                                       \
  const NODE n_ = (node);                                                                          \
  const uint32_t go = !((xrow)[COLUMN(n_)] <= n_.value)

// Walks `n` rows of `list`, each from the inner node at[row], until all stand at leaves.
static inline void NAME(walk_list)(const dl_forest *f, const NODE *nodes, const REAL *x,
                                   uint32_t *at, uint32_t *list, int n) {
  const uint32_t mask = f->column_mask, columns = (uint32_t)f->columns;
  const int shift = f->shift;
  (void)mask;
  while (n > 0) {
    int m = 0;
    for (int i = 0; i < n; i++) {
      const uint32_t r = list[i];
      STEP(nodes[at[r]], x + (size_t)r * columns, go);
      at[r] = CHILD(n_) + go;
      list[m] = r;
      m += (int)(~(n_.link >> go) & 1);
    }
    n = m;
  }
}

// The same for rows 0..count from the root, whose first `levels` children are inner nodes.
static inline void NAME(walk_rows)(const dl_forest *f, const dl_tree *tree, const NODE *nodes,
                                   const REAL *x, int count, uint32_t *at, uint32_t *list) {
  const uint32_t mask = f->column_mask, columns = (uint32_t)f->columns;
  const int shift = f->shift, levels = (int)tree->levels - 1;
  (void)mask;
  if (tree->is_leaf) {
    for (int r = 0; r < count; r++)
      at[r] = 0;
    return;
  }
  int r = 0;
  for (; r + 8 <= count; r += 8) {
    uint32_t a[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    for (int l = 0; l < levels; l++)
#pragma clang loop unroll(full)
      for (int j = 0; j < 8; j++) {
        STEP(nodes[a[j]], x + (size_t)(r + j) * columns, go);
        a[j] = CHILD(n_) + go;
      }
    for (int j = 0; j < 8; j++)
      at[r + j] = a[j];
  }
  for (; r < count; r++) {
    uint32_t a = 0;
    for (int l = 0; l < levels; l++) {
      STEP(nodes[a], x + (size_t)r * columns, go);
      a = CHILD(n_) + go;
    }
    at[r] = a;
  }
  for (int i = 0; i < count; i++)
    list[i] = (uint32_t)i;
  NAME(walk_list)(f, nodes, x, at, list, count);
}

// Adds the weights of the leaves at[0..count].
static inline void NAME(add_leaves)(const dl_forest *f, const dl_tree *tree, const NODE *nodes,
                                    const uint32_t *at, int count, SUM *sums) {
  const int shift = f->shift;
  const size_t rows = (size_t)f->rows, targets = (size_t)f->targets;
  if (tree->target >= 0) {
    SUM *to = sums + (size_t)tree->target * rows;
    for (int r = 0; r < count; r++)
      to[r] += (SUM)nodes[at[r]].value;
    return;
  }
  const SUM *weights = (const SUM *)f->weights + tree->weights * targets;
  if (targets == 2) {
    for (int r = 0; r < count; r++) {
      const SUM *w = weights + 2 * (size_t)CHILD(nodes[at[r]]);
      sums[r] += w[0];
      sums[rows + (size_t)r] += w[1];
    }
    return;
  }
  for (int r = 0; r < count; r++) {
    const SUM *w = weights + targets * CHILD(nodes[at[r]]);
    for (size_t k = 0; k < targets; k++)
      sums[k * rows + (size_t)r] += w[k];
  }
}

// One row through all trees, those side by side.
static inline void NAME(one_row)(const dl_forest *f, const REAL *x, SUM *sums, uint32_t *at,
                                 uint32_t *list) {
  const uint32_t mask = f->column_mask;
  const int shift = f->shift;
  (void)mask;
  const NODE *all = f->nodes;
  int n = 0;
  for (int64_t t = 0; t < f->tree_count; t++) {
    at[t] = 0;
    list[n] = (uint32_t)t;
    n += !f->trees[t].is_leaf;
  }
  while (n > 0) {
    int m = 0;
    for (int i = 0; i < n; i++) {
      const uint32_t t = list[i];
      STEP(all[f->trees[t].nodes + at[t]], x, go);
      at[t] = CHILD(n_) + go;
      list[m] = t;
      m += (int)(~(n_.link >> go) & 1);
    }
    n = m;
  }
  for (int64_t t = 0; t < f->tree_count; t++)
    NAME(add_leaves)(f, &f->trees[t], all + f->trees[t].nodes, at + t, 1, sums);
}

static inline void NAME(sum)(const dl_forest *f, const REAL *x, int count, SUM *sums, uint32_t *at,
                             uint32_t *list) {
  const NODE *all = f->nodes;
  if (count < 4) {
    for (int r = 0; r < count; r++)
      NAME(one_row)(f, x + (size_t)r * (size_t)f->columns, sums + r, at, list);
    return;
  }
  for (int64_t t = 0; t < f->tree_count; t++) {
    const dl_tree *tree = &f->trees[t];
    const NODE *nodes = all + tree->nodes;
    NAME(walk_rows)(f, tree, nodes, x, count, at, list);
    NAME(add_leaves)(f, tree, nodes, at, count, sums);
  }
}
#undef STEP

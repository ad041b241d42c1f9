#include "boxes.h"

// Quotients must not depend on the instruction set.
#pragma clang fp contract(off)

// The bin of a place; whatever is no number comes into `none`.
static int32_t bin_of(const dl_box_bins *b, float x, int32_t none) {
  float at = (x - b->origin) * b->inverse_width;
  if (at >= (float)b->bins)
    return b->bins - 1;
  if (at <= 0)
    return 0;
  return at == at ? (int32_t)at : none;
}

static void insert(dl_box_bins *b, int32_t *groups, const float *box, float area) {
  dl_box_bin *bin = b->bin + bin_of(b, box[0], 0);
  if (bin->group < 0 || bin->count == DL_BOX_GROUP) {
    dl_box_group *fresh = b->groups + *groups;
    // Lanes without a box overlap nothing.
    for (int i = 0; i < DL_BOX_GROUP; i++) {
      fresh->low_x[i] = fresh->low_y[i] = fresh->high_x[i] = fresh->high_y[i] = 0;
      fresh->area[i] = 0;
    }
    b->next[*groups] = bin->group;
    bin->group = (*groups)++;
    bin->count = 0;
  }
  dl_box_group *g = b->groups + bin->group;
  int32_t i = bin->count++;
  g->low_x[i] = box[0];
  g->low_y[i] = box[1];
  g->high_x[i] = box[2];
  g->high_y[i] = box[3];
  g->area[i] = area;
  if (!(box[2] <= bin->high))
    bin->high = box[2];
}

#define SUPPRESS(NAME)                                                                             \
  static int overlaps_##NAME(const dl_box_group *g, const float *box, float area, float overlap) { \
    float common[DL_BOX_GROUP];                                                                    \
    int any = 0;                                                                                   \
    for (int i = 0; i < DL_BOX_GROUP; i++) {                                                       \
      float right = box[2] < g->high_x[i] ? box[2] : g->high_x[i];                                 \
      float left = box[0] > g->low_x[i] ? box[0] : g->low_x[i];                                    \
      float bottom = box[3] < g->high_y[i] ? box[3] : g->high_y[i];                                \
      float top = box[1] > g->low_y[i] ? box[1] : g->low_y[i];                                     \
      float width = right - left, height = bottom - top;                                           \
      common[i] = ((width > 0) & (height > 0)) ? width * height : 0;                               \
      any |= common[i] > 0;                                                                        \
    }                                                                                              \
    if (!any)                                                                                      \
      return 0;                                                                                    \
    int hit = 0;                                                                                   \
    for (int i = 0; i < DL_BOX_GROUP; i++) {                                                       \
      float both = area + g->area[i] - common[i];                                                  \
      hit |= (common[i] > 0) & (g->area[i] > 0) & (both > 0) & (common[i] / both > overlap);       \
    }                                                                                              \
    return hit;                                                                                    \
  }                                                                                                \
                                                                                                   \
  int64_t dl_suppress_boxes__##NAME(const float *boxes, int64_t count, int64_t most,               \
                                    float overlap, dl_box_bins *bins, int32_t *kept) {             \
    int64_t n = 0;                                                                                 \
    int32_t groups = 0;                                                                            \
    float widest = 0;                                                                              \
    for (int32_t b = 0; b < bins->bins; b++)                                                       \
      bins->bin[b] = (dl_box_bin){.group = -1, .count = 0, .high = -__builtin_inff()};             \
    for (int64_t k = 0; k < count && n < most; k++) {                                              \
      const float *box = boxes + 4 * k;                                                            \
      float width = box[2] - box[0], area = width * (box[3] - box[1]);                             \
      int hit = 0;                                                                                 \
      if (area > 0) {                                                                              \
        /* Boxes that reach beyond box[0] start no further before it than the widest is wide;      \
           what differences round off is made up for. */                                           \
        float reach = widest * 1.00001f + __builtin_fabsf(box[0]) * 1e-5f;                         \
        int32_t last = bin_of(bins, box[2], bins->bins - 1);                                       \
        for (int32_t b = bin_of(bins, box[0] - reach, 0); b <= last && !hit; b++) {                \
          if (bins->bin[b].high <= box[0])                                                         \
            continue;                                                                              \
          for (int32_t g = bins->bin[b].group; g >= 0 && !hit; g = bins->next[g])                  \
            hit = overlaps_##NAME(bins->groups + g, box, area, overlap);                           \
        }                                                                                          \
      }                                                                                            \
      if (hit)                                                                                     \
        continue;                                                                                  \
      kept[n++] = (int32_t)k;                                                                      \
      if (area > 0) {                                                                              \
        insert(bins, &groups, box, area);                                                          \
        if (!(width <= widest))                                                                    \
          widest = width;                                                                          \
      }                                                                                            \
    }                                                                                              \
    return n;                                                                                      \
  }

SUPPRESS(scalar)

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
SUPPRESS(avx2)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
SUPPRESS(avx512)
#pragma clang attribute pop
#else
int64_t dl_suppress_boxes__avx2(const float *boxes, int64_t count, int64_t most, float overlap,
                                dl_box_bins *bins, int32_t *kept) {
  return dl_suppress_boxes__scalar(boxes, count, most, overlap, bins, kept);
}
int64_t dl_suppress_boxes__avx512(const float *boxes, int64_t count, int64_t most, float overlap,
                                  dl_box_bins *bins, int32_t *kept) {
  return dl_suppress_boxes__scalar(boxes, count, most, overlap, bins, kept);
}
#endif

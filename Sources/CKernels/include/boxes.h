// Boxes of detection networks: which of them stay, and features under them.
//
// Nothing is read or written outside of what each comment names. No alignment is needed.
#ifndef DL_BOXES_H
#define DL_BOXES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { DL_BOX_GROUP = 16 };

// Boxes that stay, whose low x lies in one bin: up to 16 in a group, those of a bin in a list.
typedef struct {
  float low_x[DL_BOX_GROUP], low_y[DL_BOX_GROUP], high_x[DL_BOX_GROUP], high_y[DL_BOX_GROUP];
  float area[DL_BOX_GROUP];
} dl_box_group;

// A bin by low x: its newest group, -1 for none, how many boxes that one holds, and the highest of
// the bin's high x.
typedef struct {
  int32_t group, count;
  float high;
} dl_box_bin;

typedef struct {
  float origin, inverse_width; // bin of x: (x - origin) * inverse_width, within 0 ..< bins
  int32_t bins;
  dl_box_bin *bin;      // [bins]
  dl_box_group *groups; // [count / 16 + bins], uninitialised
  int32_t *next;        // the same number: the bin's group before, -1 for none
} dl_box_bins;

// Greedy suppression. boxes: [count] of low x, low y, high x, high y, the best first. A box stays
// unless the overlap, intersection over union, with one that stays is greater than `overlap`, which
// is not negative; boxes without area overlap nothing. Writes the places of those that stay,
// rising, to kept [min(count, most)] and returns their number.
int64_t dl_suppress_boxes__scalar(const float *boxes, int64_t count, int64_t most, float overlap,
                                  dl_box_bins *bins, int32_t *kept);
int64_t dl_suppress_boxes__avx2(const float *boxes, int64_t count, int64_t most, float overlap,
                                dl_box_bins *bins, int32_t *kept);
int64_t dl_suppress_boxes__avx512(const float *boxes, int64_t count, int64_t most, float overlap,
                                  dl_box_bins *bins, int32_t *kept);

// Along one axis, what each of `bins` bins sums: terms starts[b] ..< starts[b + 1], each a place
// and its weight.
typedef struct {
  const int32_t *starts, *places;
  const float *weights;
} dl_region_axis;

// Weighted sums of 16 channels under one region: for row bin i and column bin j of `rows` by
// `columns` bins, sums[(i * columns + j) * 16 + lane] = sum over row terms r and column terms c of
// their weights times pixels[r.place * row_step + c.place * 16 + lane].
void dl_pool_region__scalar(const float *pixels, int64_t row_step, const dl_region_axis *down,
                            int64_t rows, const dl_region_axis *across, int64_t columns,
                            float *sums);
void dl_pool_region__avx2(const float *pixels, int64_t row_step, const dl_region_axis *down,
                          int64_t rows, const dl_region_axis *across, int64_t columns, float *sums);
void dl_pool_region__avx512(const float *pixels, int64_t row_step, const dl_region_axis *down,
                            int64_t rows, const dl_region_axis *across, int64_t columns,
                            float *sums);

// The largest instead of the sum: of the weights of r and c times the pixel, 0 where that weight is
// 0, and 0 over nothing. NaN does not count.
void dl_peak_region__scalar(const float *pixels, int64_t row_step, const dl_region_axis *down,
                            int64_t rows, const dl_region_axis *across, int64_t columns,
                            float *peaks);
void dl_peak_region__avx2(const float *pixels, int64_t row_step, const dl_region_axis *down,
                          int64_t rows, const dl_region_axis *across, int64_t columns,
                          float *peaks);
void dl_peak_region__avx512(const float *pixels, int64_t row_step, const dl_region_axis *down,
                            int64_t rows, const dl_region_axis *across, int64_t columns,
                            float *peaks);

#ifdef __cplusplus
}
#endif
#endif

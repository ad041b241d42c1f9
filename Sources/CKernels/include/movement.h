/* Kernels that move elements without reading their values.
 *
 * Units are bytes throughout. Source and target never overlap, and need no alignment beyond one
 * byte. No kernel touches memory outside the blocks that its arguments name. */
#ifndef DLRUN_MOVEMENT_H
#define DLRUN_MOVEMENT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { DL_MOVE_RANK = 16 };

/* A copy of blocks between two strided arrays: for every index i within `sizes`, the `block` bytes
 * at source + sum(i * source_strides) go to target + sum(i * target_strides). Axis 0 is outermost;
 * the order of axes decides speed, not the result. Strides may be negative, source strides 0. */
typedef struct {
  int64_t rank;
  int64_t block;
  int64_t sizes[DL_MOVE_RANK];
  int64_t source_strides[DL_MOVE_RANK];
  int64_t target_strides[DL_MOVE_RANK];
} dl_strided_copy;

/* Whether the processor runs the `__avx2` kernels of this family. */
int dl_movement_has_avx2(void);

/* Runs `copy`; transposes in tiles of registers where `isa` (0 plain, 1 AVX2, 2 AVX-512) has them.
 */
void dl_copy_strided(const dl_strided_copy *copy, void *target, const void *source, int isa);

/* target[c * target_stride + r * width] = source[r * source_stride + c * width] for r below `rows`
 * and c below `columns`; width is 1, 2, 4, 8 or 16. */
void dl_transpose_2d__scalar(void *target, int64_t target_stride, const void *source,
                             int64_t source_stride, int64_t rows, int64_t columns, int64_t width);
void dl_transpose_x32_8x8__avx2(void *target, int64_t target_stride, const void *source,
                                int64_t source_stride, int64_t rows, int64_t columns);

/* The same where 2 to 4 lines of elements of 1 to 8 bytes take turns on one side, without gaps.
 * Returns 0, with nothing done, elsewhere. */
int dl_transpose_few__avx2(void *target, int64_t target_stride, const void *source,
                           int64_t source_stride, int64_t rows, int64_t columns, int64_t width);

/* The same in tiles of registers of `isa`, for elements of 1, 2, 4 or 8 bytes. Returns 0, with
 * nothing done, elsewhere. */
int dl_transpose_tiles(void *target, int64_t target_stride, const void *source,
                       int64_t source_stride, int64_t rows, int64_t columns, int64_t width,
                       int isa);

/* Block i of target is the block at source + offsets[i]. */
void dl_take_blocks__scalar(void *target, const void *source, const int64_t *offsets, int64_t count,
                            int64_t block);

/* Where the blocks of a row come from: `last` of them, block i at offsets[i] behind the row's own
 * place. They fall into stretches: `lengths` says of how many blocks, less than 0 where these lie
 * behind one another. With `repeats` from 2 to 4, blocks of 1, 2, 4 or 8 bytes lie behind one
 * another from offsets[0] on, and each is repeated. */
typedef struct dl_row_table {
  const int64_t *offsets, *lengths;
  int64_t last, block, stretches, repeats;
} dl_row_table;

/* `count` rows, one behind the other, row r from source + rows[r]; `isa` as above. */
void dl_gather_rows(const dl_row_table *t, void *target, const void *source, const int64_t *rows,
                    int64_t count, int isa);

/* The block at target + offsets[i] becomes block i of source, in rising order of i. */
void dl_put_blocks__scalar(void *target, const int64_t *offsets, const void *source, int64_t count,
                           int64_t block);

/* target[j] = source[i * along + j * step], in elements of `width` bytes (1, 2, 4 or 8), for j
 * below `count` and i the index j, int64 where `wide` and int32 elsewhere, from -size to size - 1.
 * Returns 0, with target undefined, where an index is none of these: nothing is read at it. */
int dl_gather_elements__scalar(void *target, const void *source, const void *indices, int wide,
                               int64_t count, int64_t size, int64_t along, int64_t step,
                               int64_t width);
int dl_gather_elements__avx512(void *target, const void *source, const void *indices, int wide,
                               int64_t count, int64_t size, int64_t along, int64_t step,
                               int64_t width);

/* How many of `count` elements of `width` bytes (1, 2, 4 or 8) have bits of `mask`. */
int64_t dl_count_filled__scalar(const void *x, int64_t count, int64_t width, uint64_t mask);
int64_t dl_count_filled__avx512(const void *x, int64_t count, int64_t width, uint64_t mask);

/* Writes the places of those elements, rising, and returns their number. What stands behind them,
 * up to places[room - 1], is overwritten; no more than `room` of them are found. */
int64_t dl_filled_places__scalar(const void *x, int64_t count, int64_t width, uint64_t mask,
                                 int64_t *places, int64_t room);
int64_t dl_filled_places__avx512(const void *x, int64_t count, int64_t width, uint64_t mask,
                                 int64_t *places, int64_t room);

/* The elements whose flag is not 0, one behind the other, in the same way; `room` counts elements.
 */
int64_t dl_take_flagged__scalar(void *target, const void *source, const uint8_t *flags,
                                int64_t count, int64_t width, int64_t room);
int64_t dl_take_flagged__avx512(void *target, const void *source, const uint8_t *flags,
                                int64_t count, int64_t width, int64_t room);

/* Writes `count` copies of one element of `width` bytes: 1, 2, 4, 8 or 16. */
void dl_fill__scalar(void *target, const void *element, int64_t count, int64_t width);

/* Weighted sums of slices, in elements: for j below `count` and t below `inner`,
 * target[j * inner + t] = sum over k of weights[j * taps + k] * source[indices[j * taps + k] *
 * inner + t], in rising order of k. */
void dl_resample_f32__scalar(float *target, const float *source, const int32_t *indices,
                             const float *weights, int64_t count, int64_t taps, int64_t inner);
void dl_resample_f32__avx2(float *target, const float *source, const int32_t *indices,
                           const float *weights, int64_t count, int64_t taps, int64_t inner);
void dl_resample_f64__scalar(double *target, const double *source, const int32_t *indices,
                             const double *weights, int64_t count, int64_t taps, int64_t inner);
void dl_resample_f64__avx2(double *target, const double *source, const int32_t *indices,
                           const double *weights, int64_t count, int64_t taps, int64_t inner);
// The same for rows of neighbours: target [rows, to], source [rows, from]. 16 places at a time, of
// which all read the 32 elements from starts[place / 16] on, 64 where `wide`: indices (from there)
// and weights are [places / 16, taps, 16].
void dl_resample_rows_f32__avx512(float *target, const float *source, int64_t rows, int64_t from,
                                  int64_t to, int64_t taps, int wide, const int32_t *starts,
                                  const int32_t *indices, const float *weights);

/* Images of `channels` planes read at places between their pixels, which lie in pairs along width
 * and height from -1 to 1: at the middles of the outermost pixels where `aligns`, else at their
 * edges. Outside lie zeros, or with `border` the outermost pixels. Results are `points` apart. */
typedef struct dl_grid {
  int64_t channels, height, width, points;
  int aligns, border;
} dl_grid;
void dl_grid_linear_f32(const dl_grid *k, const float *x, const float *grid, int64_t count,
                        float *y);
/* The same of images whose channels lie side by side, a multiple of 16 of them: pixels [height *
 * width][(channels + 15) / 16 * 16]. */
void dl_grid_linear_lanes__scalar(const dl_grid *k, const float *pixels, const float *grid,
                                  int64_t count, float *y);
void dl_grid_linear_lanes__avx2(const dl_grid *k, const float *pixels, const float *grid,
                                int64_t count, float *y);
void dl_grid_linear_lanes__avx512(const dl_grid *k, const float *pixels, const float *grid,
                                  int64_t count, float *y);

#ifdef __cplusplus
}
#endif
#endif

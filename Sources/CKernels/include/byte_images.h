// Kernels on images of bytes: [images][height][width][channels], channels a multiple of 4.
//
// A byte q stands for (q - zero) * scale. Units are bytes unless said otherwise; memories do not
// overlap; no alignment is needed. Nothing is read or written outside of what each comment names.
// Results are the same on every instruction set.
//
// Columns (outputs of a convolution) lie in panels of `vectors` vectors of L 32-bit lanes: lane
// 4 q + e of vector j is column 4 q * vectors + 4 j + e. So the packing instructions,
// which work in quarters, bring a panel's bytes into order by themselves. A panel that is_half has
// columns in the first half of its last vector's lanes only, for 8 columns more than whole vectors
// hold: in the last quarters one vector less counts. Its weights are left out as well.
//
// Weights take one byte each with VNNI and in plain C: for each tap and each four channels
// [vectors][L][4]. Elsewhere they take 16 bits, since the products of bytes that AVX2 has saturate:
// [vectors][2][L][2], channels 0 and 2 of the four first, then 1 and 3.
#ifndef DL_BYTE_IMAGES_H
#define DL_BYTE_IMAGES_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What becomes of a sum: v = sum * scale + offset, scale and offset of its column;
// y = clamp(round(v) + zero). With a residual z: y = clamp(round(v + (z * z_factor + z_offset)) +
// zero), or, where has_own, clamp(round(round(clamp(v, own_low, own_high)) * own_factor + (z *
// z_factor + z_offset)) + zero), sums of a product rounded once. Rounds to nearest, ties to even.
typedef struct dl_byte_finish {
  int32_t zero, low, high; // of the result: 0 <= low <= high <= 255
  int32_t is_wide;         // whether what is rounded may reach 2^31
  int32_t is_small;        // see dl_byte_panel
  int32_t has_own;
  float own_low, own_high, own_factor, z_factor, z_offset;
  float z_base; // -2^23 * z_factor
} dl_byte_finish;

// Where results stay float32: y = clamp((sum + shift) * scale + offset + z, low, high), in images
// in blocks of L channels (blocked.h), whose lanes behind the last column are 0. NaN stays NaN.
typedef struct dl_byte_floats {
  float *y;             // the first pixel of the panel's first block, in the image of `first`
  const float *z;       // the same of an image that is added, may be y; or NULL
  intptr_t block, step; // channels of a block, for __scalar; numbers between blocks
  const int32_t *shift; // for each output of that image; or NULL for zeros
  float low, high;
} dl_byte_floats;

// A convolution with everything settled but the memory.
typedef struct dl_byte_conv {
  intptr_t taps[2], fours; // taps along height and width; channels of a tap in fours
  intptr_t input[2], output[2];
  intptr_t stride[2], pad[2], dilation[2];
  intptr_t pixel_step, row_step, image_step; // of the input
  intptr_t out_step;                         // between pixels of output and residual
  dl_byte_finish finish;
  // Where not NULL, a call's outputs belong to one image, its panel's columns lie in order (see
  // dl_byte_filter) unless each has a window of its own, is_small is 0, offset is given, and z and
  // y are of no use; so is the shift where each column has a window of its own.
  const dl_byte_floats *floats;
} dl_byte_conv;

// Added to an integer of less than 2^22 it leaves, as a float32, that integer plus 1.5 * 2^23.
#define DL_BYTE_MAGIC 0x4B400000

// The constants of one panel, by lane of each vector. Where is_small, all sums lie within 2^22 of
// 0, start holds DL_BYTE_MAGIC more, scales have at most 22 significant bits and base holds
// -1.5 * 2^23 * scale, exactly: the sum's bits times scale plus base is sum * scale, rounded once,
// without a conversion.
typedef struct dl_byte_panel {
  intptr_t vectors; // see below
  intptr_t is_half; // 24 or 40 columns, for __avx512vnni and __scalar
  // Whether its columns are in groups of 4 fours of the conv, of which each sums up the as many
  // channels that lie where they do: x leads to the channel of the first column, border holds as
  // many bytes as there are columns. With 4 vectors, for __avx512vnni and __scalar.
  intptr_t is_grouped;
  intptr_t columns; // written: at most vectors * L
  const void *weights;
  const int32_t *start; // what sums start from
  const float *scale;
  const float *base;   // of no use where not is_small
  const float *offset; // or NULL for zeros
  const void *next;    // the weights that will be read after these, or NULL
  intptr_t next_bytes;
} dl_byte_panel;

// Outputs first..<first + count, counted over images, rows and columns, of one panel.
//   x: the first channel of the panel in the first pixel of the first image
//   border: 4 fours bytes that stand for pixels outside of the image
//   z, y: the panel's first column in the first pixel; z may be y, or NULL for none
//   table: 8 taps[0] taps[1] pointers that the call may write
// vectors and L: 1 to 4 of 16 (__avx512vnni, __avx512), 1 or 2 of 8 (__avx2), any of 16 (__scalar).
#define DL_BYTE_CONV(name)                                                                         \
  void name(const dl_byte_conv *c, const dl_byte_panel *p, const uint8_t *x,                       \
            const uint8_t *border, const uint8_t *z, uint8_t *y, intptr_t first, intptr_t count,   \
            const uint8_t **table)
DL_BYTE_CONV(dl_byte_conv_u8s8__scalar);
DL_BYTE_CONV(dl_byte_conv_u8s8__avx2);
DL_BYTE_CONV(dl_byte_conv_u8s8__avx512);
DL_BYTE_CONV(dl_byte_conv_u8s8__avx512vnni);

// The same where each channel has a window of its own. A panel is 4 vectors wide; weights are, for
// each column of the window, and each four of its taps (the last ones filled with zeros), as above
// with taps in place of channels.
// fours is of no use; border holds as many bytes as the panel has columns.
// L: 8 (__avx512vnni_half, __avx2) or 16 (the others).
DL_BYTE_CONV(dl_byte_depthwise_u8s8__scalar);
DL_BYTE_CONV(dl_byte_depthwise_u8s8__avx2);
DL_BYTE_CONV(dl_byte_depthwise_u8s8__avx512);
DL_BYTE_CONV(dl_byte_depthwise_u8s8__avx512vnni);
DL_BYTE_CONV(dl_byte_depthwise_u8s8__avx512vnni_half);

// A window that slides over all channels.
typedef struct dl_byte_window {
  intptr_t input[2], output[2], taps[2], stride[2], dilation[2], pad[2];
  intptr_t channels; // bytes of a pixel
  uint8_t sign;      // 0x80 where the largest of signed bytes is meant, else 0
} dl_byte_window;

// Rows first..<first + rows of one image's output: largest bytes; each window holds a pixel.
#define DL_BYTE_MAX_POOL(name)                                                                     \
  void name(const dl_byte_window *w, intptr_t first, intptr_t rows, const uint8_t *x, uint8_t *y)
DL_BYTE_MAX_POOL(dl_byte_max_pool_u8__scalar);
DL_BYTE_MAX_POOL(dl_byte_max_pool_u8__avx2);
DL_BYTE_MAX_POOL(dl_byte_max_pool_u8__avx512);

// The same rows as y = clamp(round((sum - pixels * x_zero) * factor / divisor) + zero), over the
// pixels of the window inside the image; divisor = row_counts[row] * column_counts[column].
typedef struct dl_byte_mean {
  int32_t x_zero, zero;
  float factor;
  const float *row_counts, *column_counts;
} dl_byte_mean;
#define DL_BYTE_AVERAGE_POOL(name)                                                                 \
  void name(const dl_byte_window *w, const dl_byte_mean *m, intptr_t first, intptr_t rows,         \
            const uint8_t *x, uint8_t *y)
DL_BYTE_AVERAGE_POOL(dl_byte_average_pool_u8__scalar);
DL_BYTE_AVERAGE_POOL(dl_byte_average_pool_u8__avx2);
DL_BYTE_AVERAGE_POOL(dl_byte_average_pool_u8__avx512);

// Sums and products of two numbers: y = clamp(round(v / scale) + zero, low, high) with
// v = (a - a_zero) * a_scale + (b - b_zero) * b_scale, or their product.
typedef struct dl_byte_pair {
  int32_t a_zero, b_zero, zero, low, high, is_product;
  float a_scale, b_scale, inverse; // inverse: 1 / scale
} dl_byte_pair;
// y[i] of a[i] and b[i mod period], i < n; period divides n. y may be a, and b where period is n.
#define DL_BYTE_PAIR(name)                                                                         \
  void name(const dl_byte_pair *k, const uint8_t *a, const uint8_t *b, uint8_t *y, intptr_t n,     \
            intptr_t period)
DL_BYTE_PAIR(dl_byte_pair_u8__scalar);
DL_BYTE_PAIR(dl_byte_pair_u8__avx2);
DL_BYTE_PAIR(dl_byte_pair_u8__avx512);

// y[i] = clamp(round((x[i] - x_zero) * factor[c] + shift[c]) + zero, low, high) with c = i mod
// period, i < n; period divides n. NaN becomes low. y may be x.
typedef struct dl_byte_affine {
  int32_t x_zero, zero, low, high;
  const float *factor, *shift;
} dl_byte_affine;
#define DL_BYTE_AFFINE(name)                                                                       \
  void name(const dl_byte_affine *k, const uint8_t *x, uint8_t *y, intptr_t n, intptr_t period)
DL_BYTE_AFFINE(dl_byte_affine_u8__scalar);
DL_BYTE_AFFINE(dl_byte_affine_u8__avx2);
DL_BYTE_AFFINE(dl_byte_affine_u8__avx512);

// y[i] = table[x[i]], i < n; y may be x. dl_byte_table_u8 takes the fastest way the machine has.
void dl_byte_table_u8__scalar(const uint8_t *table, const uint8_t *x, uint8_t *y, intptr_t n);
void dl_byte_table_u8(const uint8_t *table, const uint8_t *x, uint8_t *y, intptr_t n);

// Planes to pixels: y[p][c] = clamp(round(x[c * plane + p] / scale) + zero) for c < channels and
// zero for channels <= c < step, over p < pixels. NaN becomes 0.
#define DL_BYTE_QUANTIZE(name)                                                                     \
  void name(uint8_t *y, const float *x, intptr_t pixels, intptr_t plane, intptr_t channels,        \
            intptr_t step, float scale, int32_t zero)
DL_BYTE_QUANTIZE(dl_byte_quantize_f32__scalar);
DL_BYTE_QUANTIZE(dl_byte_quantize_f32__avx2);
DL_BYTE_QUANTIZE(dl_byte_quantize_f32__avx512);

// Pixels to planes: y[c * plane + p] = (x[p][c] - zero) * scale for c < channels, p < pixels.
#define DL_BYTE_DEQUANTIZE(name)                                                                   \
  void name(float *y, const uint8_t *x, intptr_t pixels, intptr_t plane, intptr_t channels,        \
            intptr_t step, float scale, int32_t zero)
DL_BYTE_DEQUANTIZE(dl_byte_dequantize_f32__scalar);
DL_BYTE_DEQUANTIZE(dl_byte_dequantize_f32__avx2);
DL_BYTE_DEQUANTIZE(dl_byte_dequantize_f32__avx512);

// The same moves for bytes: each is exclusive-ored with `flip`.
void dl_byte_to_pixels_u8(uint8_t *y, const uint8_t *x, intptr_t pixels, intptr_t plane,
                          intptr_t channels, intptr_t step, uint8_t flip, uint8_t filler);
void dl_byte_to_planes_u8(uint8_t *y, const uint8_t *x, intptr_t pixels, intptr_t plane,
                          intptr_t channels, intptr_t step, uint8_t flip);

// Blocks to pixels: y[p][c] = clamp(round(x[c / b * block_step + p * b + c % b] / scale) + zero)
// for c < step, p < pixels, with b = block, a multiple of 4. NaN becomes 0.
#define DL_BYTE_QUANTIZE_BLOCKS(name)                                                              \
  void name(uint8_t *y, const float *x, intptr_t pixels, intptr_t block, intptr_t block_step,      \
            intptr_t step, float scale, int32_t zero)
DL_BYTE_QUANTIZE_BLOCKS(dl_byte_quantize_blocks_f32__scalar);
DL_BYTE_QUANTIZE_BLOCKS(dl_byte_quantize_blocks_f32__avx2);
DL_BYTE_QUANTIZE_BLOCKS(dl_byte_quantize_blocks_f32__avx512);

// y[p] = the sum of x[p * step + c] - zero over c < channels, p < pixels.
#define DL_BYTE_PIXEL_SUMS(name)                                                                   \
  void name(int32_t *y, const uint8_t *x, intptr_t pixels, intptr_t channels, intptr_t step,       \
            int32_t zero)
DL_BYTE_PIXEL_SUMS(dl_byte_pixel_sums_u8__scalar);
DL_BYTE_PIXEL_SUMS(dl_byte_pixel_sums_u8__avx2);
DL_BYTE_PIXEL_SUMS(dl_byte_pixel_sums_u8__avx512);
// y[o] = factor times the sum of x over the window of output o of one image; w->channels is of no
// use. row: room for a number for each column of x.
void dl_byte_window_sums_s32(const dl_byte_window *w, const int32_t *x, int32_t *y, int32_t *row,
                             int32_t factor);

// to[p * to_step + c] = from[p * from_step + c], c < channels, p < pixels.
void dl_byte_channels_u8(uint8_t *to, intptr_t to_step, const uint8_t *from, intptr_t from_step,
                         intptr_t channels, intptr_t pixels);

// Up to 64 neighbouring bytes of each pixel, taken from a pixel of another image: byte i of them,
// where bit i of lanes is set, is byte first + index[i] of it, by its image's table where
// is_tabled.
typedef struct dl_byte_source {
  intptr_t part, step;   // which image, and the bytes of its pixels
  intptr_t first, count; // which of these may be read; index[i] < count <= 64
  // Where run > 0, lanes are at to at + run - 1, and their indices follow one another.
  intptr_t at, run;
  intptr_t is_tabled;
  uint64_t lanes;
  uint8_t index[64];
} dl_byte_source;
// y[p * step + i] of pixel first + p, for the lanes i of all of n sources, no two of which have one
// in common, and p < pixels; others stay as they are. parts: the first pixel of each image; tables:
// 256 bytes for each. dl_byte_gather_u8 takes the fastest way the machine has.
#define DL_BYTE_GATHER(name)                                                                       \
  void name(const dl_byte_source *s, intptr_t n, intptr_t first, intptr_t pixels,                  \
            const uint8_t *const *parts, const uint8_t *tables, uint8_t *y, intptr_t step)
DL_BYTE_GATHER(dl_byte_gather_u8__scalar);
DL_BYTE_GATHER(dl_byte_gather_u8);

// The weights of one panel, in the order in which the kernels read them.
typedef struct dl_byte_filter {
  const int8_t *weights; // [all outputs][part][all taps]
  intptr_t all_taps, taps;
  // Output m has weights for channels c with c / part == m / share, zeros for others.
  intptr_t part, share, first_output, columns, first_channel, fours;
  intptr_t vectors, lanes, is_half;
  int32_t is_wide;     // 16 bits a weight
  int32_t is_in_order; // lane l of vector j is column L j + l
  int32_t is_grouped;  // of a panel that is: for each four s of 16 channels those vectors j of 4
                       // whose columns sum it up, j / fours = s / fours
  // Where not 0, all taps of a row make one, of so many bytes each: a tap of `fours` fours, zeros
  // behind the last.
  intptr_t merged;
  // Where not 0, a depthwise convolution with so many taps along the width: see above.
  intptr_t tap_columns;
} dl_byte_filter;
void dl_byte_pack_s8(void *to, const dl_byte_filter *f);
// to[m] = the sum of from[m][i] over i < n, to[outputs + m] = that of the positive ones.
void dl_byte_sums_s8(int32_t *to, const int8_t *from, intptr_t outputs, intptr_t n);

// Operations a second that sums of products of bytes can reach: as dl_peak_f32 (cpu.h).
int64_t dl_peak_u8s8(int32_t isa, int64_t rounds, int32_t *result);

#ifdef __cplusplus
}
#endif

#endif

// What the checks of all families share: numbers, memory that ends where it must, comparison.
#ifndef CHECK_H
#define CHECK_H
#include <stddef.h>
#include <stdint.h>

#define LANES 8

// Numbers in an order of their own, the same in every run.
uint32_t draw(void);
intptr_t draw_below(intptr_t n);
float draw_float(void); // -1 up to 1

// Memory of n floats that begins or ends at a page that nobody may touch, in turn, filled with
// drawn numbers; all of it is given up by `release`. `NaNs`: one number in so many is NaN, 0: none.
float *room(intptr_t n, uint32_t NaNs);
float *copy_of(const float *from, intptr_t n);
void release(void);

// A family: cases, the largest difference over the largest number of the case's reference.
typedef struct family {
  const char *name;
  long cases, failures;
  double largest;
} family;

// Compares n results with the reference; equal bit patterns (but for the sign of 0 and what a NaN
// carries) where `is_exact`, within 1e-5 of the largest elsewhere. NaN equals NaN only.
void compare(family *f, const float *y, const float *reference, intptr_t n, int is_exact);
// The same within 1e-5 of `most`, for results that were cut off after they were computed.
void compare_within(family *f, const float *y, const float *reference, intptr_t n, double most);
// Prints a line; 1 where something differs.
int report(const family *f);

// A function of n elements as epilogues call them.
void half_plus(const void *x, void *y, size_t n, const double *numbers);

int check_gemm(void);
int check_conv(void);
int check_windows(void);
int check_winograd(void);
int check_channels(void);

#endif

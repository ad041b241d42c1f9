// The NEON kernels held against plain C, at odd sizes, in memory that ends where it must;
// tools/emulate/run builds it and says how. One line a family; exit status 0 all equal, 1 a kernel
// differs.
#include "check.h"

int main(void) {
  int differs = check_gemm();
  differs |= check_conv();
  differs |= check_windows();
  differs |= check_winograd();
  differs |= check_channels();
  return differs;
}

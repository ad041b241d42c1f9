#include "step.h"

dl_step_fn dl_step_choose_any__scalar(int step, int is_double);
#if defined(__x86_64__)
dl_step_fn dl_step_choose_any__avx2(int step, int is_double);
dl_step_fn dl_step_choose_any__avx512(int step, int is_double);
#endif

dl_step_fn dl_step_kernel(int step, int is_double, int isa) {
  if (step < 0 || step >= DL_STEPS)
    return NULL;
#if defined(__x86_64__)
  if (isa >= 2)
    return dl_step_choose_any__avx512(step, is_double);
  if (isa == 1)
    return dl_step_choose_any__avx2(step, is_double);
#endif
  (void)isa;
  return dl_step_choose_any__scalar(step, is_double);
}

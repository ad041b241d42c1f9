// Steps of optimisers: the update of parameters and their states by one gradient, element by
// element.
#ifndef DL_STEP_H
#define DL_STEP_H

#include <stddef.h>

// Which update. Its formula, with the coefficients it reads, stands in step/step_body.h.
enum dl_step {
  DL_STEP_MOMENTUM,
  DL_STEP_ADAM,
  DL_STEP_AMSGRAD,
  DL_STEP_ADAMAX,
  DL_STEP_RMSPROP,
  DL_STEP_ADAGRAD,
  DL_STEP_ADADELTA,
  DL_STEP_FTRL,
  DL_STEP_LION,
  DL_STEP_SCHEDULE_FREE,
  DL_STEPS
};

// Coefficients of one update: as many doubles.
#define DL_STEP_COEFFICIENTS 12

// n elements: parameters w, gradients g, new parameters out (which may be w, and overlaps nothing
// else), and up to three states, changed in place. States that an update has not may be NULL.
// Results do not depend on how a range of elements is split.
typedef void (*dl_step_fn)(size_t n, const void *w, const void *g, void *out, void *s0, void *s1,
                           void *s2, const double *a);

// The kernel for float (is_double 0) or double; isa as in dl_lanes_isa. NULL for no known update.
dl_step_fn dl_step_kernel(int step, int is_double, int isa);

#endif
